"""Tables from rows that know no types: what a command prints as JSON Lines, or a database answers to a query.

No value is changed on the way: numbers with a fraction stay text, digit by digit, and a column of mixed values becomes
text as a whole. Whoever compares casts it to the type that was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa

__all__ = ["filled", "table_of_lines", "table_of_rows"]

_arrow: Any = pa
_QUOTES = "\"'"


def filled(query: str, names: Mapping[str, str]) -> str:
    """Put names in the place of `{...}` in SQL; within quotation marks, those that a name holds are doubled."""
    parts: list[str] = []
    open_quote = ""
    for part in re.split(r"""(["']|\{\w+\})""", query):
        name = names.get(part[1:-1]) if part[:1] == "{" else None
        if name is not None:
            parts.append(name.replace(open_quote, 2 * open_quote) if open_quote else name)
            continue
        if part in _QUOTES and part and open_quote in ("", part):
            open_quote = "" if open_quote else part
        parts.append(part)
    return "".join(parts)


def table_of_lines(output: bytes) -> pa.Table:
    """Read JSON Lines. Raises ValueError for a line that is no JSON object."""
    rows: list[Mapping[str, Any]] = []
    for line in output.split(b"\n"):
        if line.strip():
            row: Any = json.loads(line, parse_float=str, parse_constant=str)
            if not isinstance(row, dict):
                raise ValueError(f"a line holds no JSON object, but {line[:40]!r}")
            rows.append(cast("dict[str, Any]", row))
    return table_of_rows(rows)


def table_of_rows(rows: Sequence[Mapping[str, Any]], names: Iterable[str] = ()) -> pa.Table:
    """Make a table of all columns that any row has, `names` first; what a row does not have is NULL."""
    columns = dict.fromkeys([*names, *(name for row in rows for name in row)])
    return _arrow.table({name: _column([row.get(name) for row in rows]) for name in columns})


def _column(values: list[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
