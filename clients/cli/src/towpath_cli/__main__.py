"""Start of the `towpath` command: errors become one line and an exit code here, and nowhere else."""

from __future__ import annotations

import gc
import os
import sys

from towpath_cli.failures import HungUp, report

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process, and exit."""
    code = run(sys.argv[1:])
    gc.freeze()  # or Python would look for garbage in all that was imported before it exits
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command with `arguments` and return its exit code."""
    try:
        # Within the try: an interrupt or a broken installation during the imports is reported like the rest.
        from towpath_cli.app import towpath  # noqa: PLC0415

        code: object = towpath.main(args=arguments, prog_name="towpath", standalone_mode=False)
        sys.stdout.flush()
    except (HungUp, BrokenPipeError):
        return _hang_up()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the edge: every error ends as one line here
        return report(error)
    return code if isinstance(code, int) else 0


def _hang_up() -> int:
    """End quietly: the reader of a pipe, such as `head`, has seen enough. Keep Python from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0


if __name__ == "__main__":
    main()
