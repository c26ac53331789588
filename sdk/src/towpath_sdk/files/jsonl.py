"""JSON Lines: a column at a time is turned into JSON, then the columns are joined into lines."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from towpath_sdk.errors import BadRecord
from towpath_sdk.files.compression import compressed
from towpath_sdk.files.formats import TextCompression
from towpath_sdk.files.json_values import json_pieces
from towpath_sdk.files.texts import joined, text_bytes

__all__ = ["JsonLinesEncoder"]


class JsonLinesEncoder:
    """Encodes one file. Nothing waits: every batch is written at once."""

    buffered = 0

    def __init__(self, sink: Any, compression: TextCompression) -> None:
        self._sink = compressed(sink, compression)

    def write(self, records: pa.RecordBatch) -> None:
        """Write a line for each row. Raises BadRecord for a document that is no JSON."""
        pieces: list[Any] = []
        for field, column in zip(records.schema, records.columns, strict=True):
            name = json.dumps(field.name, ensure_ascii=False)
            try:
                value = json_pieces(column)
            except BadRecord as error:
                raise BadRecord(f"column {name}: {error.message}", reason=error.reason) from error
            pieces += [f"{',' if pieces else '{'}{name}:", *value]
        self._sink.write(text_bytes(joined(*pieces, "}\n")))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """End the compressed stream."""
        self._sink.close()
