"""Primary keys as one column of text: equal keys, and only those, have equal texts. Values in, values out; no I/O."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import compute
from towpath_sdk import Conflict, Misconfigured, StreamName, WriteMode, WriteStream
from towpath_sdk.files import cell_texts

__all__ = ["check_key", "check_key_types", "key_texts"]

pc: Any = compute
_types: Any = pa.types

_TEXT = pa.large_string()
_ESCAPE, _END, _NULL = "\x01", "\x01\x02", "\x01\x03"
_ESCAPED = "\x01\x04"  # what stands for \x01 itself, so that no text looks like an end or a NULL


def key_texts(records: Any, key: Sequence[str]) -> Any:
    """Return the key of each row of a batch, never NULL; within a key, NULL equals NULL, and NaN equals NaN."""
    parts = [_part(records.column(name)) for name in key]
    return pc.binary_join_element_wise(*parts, pa.scalar("", _TEXT))


def check_key(stream: WriteStream, schema: pa.Schema) -> None:
    """Raise Misconfigured when a stream is to be merged by a key that it does not have."""
    if stream.mode is not WriteMode.DEDUP:
        return
    if not stream.primary_key:
        raise Misconfigured(f"{stream.name} has no primary key; choose append or overwrite", reason="NO_PRIMARY_KEY")
    missing = [name for name in stream.primary_key if name not in schema.names]
    if missing:
        raise Misconfigured(
            f"{stream.name} has no column {missing[0]}, which its primary key names; select it",
            reason="NO_PRIMARY_KEY",
        )


def check_key_types(stream: StreamName, key: Sequence[str], schemas: Sequence[pa.Schema]) -> None:
    """Raise Conflict when a column of the key has changed so that equal values have different texts."""
    for name in key:
        kinds = {_kind(schema.field(name).type) for schema in schemas if name in schema.names}
        if len(kinds) > 1 or any(name not in schema.names for schema in schemas):
            raise Conflict(
                f"the key's column {name} of {stream} has another type than before; refresh the stream",
                reason="KEY_CHANGED",
            )


def _part(column: Any) -> Any:
    text = pc.replace_substring(cell_texts(column), _ESCAPE, _ESCAPED)
    ended = pc.binary_join_element_wise(text, pa.scalar(_END, _TEXT), pa.scalar("", _TEXT))
    return pc.fill_null(ended, pa.scalar(_NULL, _TEXT))


def _kind(type_: Any) -> str:
    """Name the types whose values have the same texts."""
    if _types.is_dictionary(type_):
        return _kind(type_.value_type)
    if _types.is_integer(type_):
        return "integer"
    if _types.is_string(type_) or _types.is_large_string(type_):
        return "text"
    if _types.is_decimal(type_):
        return f"decimal of scale {type_.scale}"
    if _types.is_nested(type_):
        parts = [type_.field(index) for index in range(type_.num_fields)]
        names = type_.names if _types.is_struct(type_) else [""] * len(parts)  # Parquet renames what a list holds
        inside = ", ".join(f"{name} {_kind(part.type)}" for name, part in zip(names, parts, strict=True))
        return f"{type_.id}({inside})"
    return str(type_).replace("[s", "[ms")  # Parquet knows no whole seconds
