"""CSV as RFC 4180 has it, but lines end with LF: a header, numbers and truth values bare, everything else quoted.

So NULL, an empty field, and the empty text, a quoted one, stay apart.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyarrow import compute

from towpath_sdk.files.compression import compressed
from towpath_sdk.files.formats import TextCompression
from towpath_sdk.files.json_values import json_or_null
from towpath_sdk.files.texts import TEXT, holds_any, joined, plain, text_bytes, texts

__all__ = ["CsvEncoder", "cell_texts"]

pc: Any = compute
_types: Any = pa.types

_EMPTY = pa.scalar("", TEXT)


class CsvEncoder:
    """Encodes one file. Nothing waits: every batch is written at once."""

    buffered = 0

    def __init__(self, sink: Any, schema: pa.Schema, compression: TextCompression) -> None:
        self._sink = compressed(sink, compression)
        names = ",".join('"' + name.replace('"', '""') + '"' for name in schema.names)
        self._sink.write(f"{names}\n".encode())

    def write(self, records: pa.RecordBatch) -> None:
        """Write a line for each row."""
        pieces: list[Any] = []
        for column in records.columns:
            pieces += [*([","] if pieces else []), *_cell_pieces(plain(column))]
        self._sink.write(text_bytes(joined(*pieces, "\n")))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """End the compressed stream."""
        self._sink.close()


def cell_texts(array: Any) -> Any:
    """Return each value as text, NULL as NULL; nested values as JSON."""
    array = plain(array)
    return json_or_null(array) if _types.is_nested(array.type) else texts(array)


def _cell_pieces(array: Any) -> list[Any]:
    """Return what, joined, is each cell: quotes cost less when joined with the whole line."""
    text = cell_texts(array)
    if _bare(array.type):
        return [pc.fill_null(text, _EMPTY)]
    if holds_any(text, b'"'):
        text = pc.replace_substring(text, '"', '""')
    return [pc.fill_null(joined('"', text, '"'), _EMPTY)] if array.null_count else ['"', text, '"']


def _bare(type_: Any) -> bool:
    number = _types.is_integer(type_) or _types.is_floating(type_) or _types.is_decimal(type_)
    return number or _types.is_boolean(type_) or _types.is_duration(type_) or _types.is_null(type_)
