"""`python -m bench [PART] [OPTIONS]`: measure one part, `sync` by default, or `all` in turn, with their defaults.

sync     TPC-H lineitem from PostgreSQL to Parquet on S3, by the whole runtime and beside it in one process
broker   a faker source through the broker to a destination that discards, beside bare gRPC streams
rows     plain dicts through the SDK
starts   connectors started anew, and beside them as forks

`python -m bench PART --help` lists the options of each.
"""

from __future__ import annotations

import sys

from bench import broker, rows, starts, sync

_PARTS = {"starts": starts.main, "rows": rows.main, "broker": broker.main, "sync": sync.main}


def main(arguments: list[str]) -> int:
    """Run a part; 1 when one of them came to a wrong result. Speed never fails a run."""
    part, options = (
        (arguments[0], arguments[1:]) if arguments and not arguments[0].startswith("-") else (None, arguments)
    )
    if part == "all":
        return max(run([]) for run in _PARTS.values())
    if part is not None and part not in _PARTS:
        print(__doc__, file=sys.stderr)
        return 2
    return _PARTS[part or "sync"](options)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
