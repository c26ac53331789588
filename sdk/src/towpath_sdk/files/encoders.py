"""Encoders: record batches in, a file in one format out."""

from __future__ import annotations

from typing import IO, Any, Protocol

import pyarrow as pa

from towpath_sdk.files.csv import CsvEncoder
from towpath_sdk.files.formats import Format, JsonLinesFormat, ParquetFormat
from towpath_sdk.files.jsonl import JsonLinesEncoder
from towpath_sdk.files.parquet import ParquetEncoder

__all__ = ["Encoder", "encoder_for"]


class Encoder(Protocol):
    """One file in the making."""

    @property
    def buffered(self) -> int:
        """Bytes of Arrow data that wait in memory."""
        ...

    def write(self, records: pa.RecordBatch) -> None:
        """Take one batch of the file's schema."""
        ...

    def flush(self) -> None:
        """Encode what waits."""
        ...

    def close(self) -> None:
        """Encode what waits and write the end of the file; the sink stays open."""
        ...


def encoder_for(form: Format, schema: pa.Schema, sink: IO[bytes] | Any) -> Encoder:
    """Return an encoder that writes to `sink`."""
    if isinstance(form, ParquetFormat):
        return ParquetEncoder(sink, schema, form.compression.value, form.row_group_bytes)
    if isinstance(form, JsonLinesFormat):
        return JsonLinesEncoder(sink, form.compression)
    return CsvEncoder(sink, schema, form.compression)
