"""Primary keys as one column of bytes: equal keys, and only those, have equal bytes. Values in, values out; no I/O."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import compute

__all__ = ["key_values"]

pc: Any = compute
_TEXT = pa.large_string()
_NULL, _SHIFT, _END = "\x01N", "\x01S", "\x01E"


def key_values(table: Any, key: Sequence[str]) -> Any:
    """Return the key of each row of a table or batch, never NULL; in a key, NULL equals NULL."""
    parts = [_part(table.column(name)) for name in key]
    return pc.binary_join_element_wise(*parts, pa.scalar("", _TEXT))


def _part(column: Any) -> Any:
    text = column.cast(_TEXT)
    text = pc.replace_substring(text, "\x01", _SHIFT)
    ended = pc.binary_join_element_wise(text, pa.scalar(_END, _TEXT), pa.scalar("", _TEXT))
    return pc.fill_null(ended, pa.scalar(_NULL, _TEXT))
