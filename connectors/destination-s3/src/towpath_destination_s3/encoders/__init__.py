"""Encoders: record batches in, a file in one format out."""

from __future__ import annotations

from typing import IO, Any, Protocol

import pyarrow as pa

from towpath_destination_s3.config import CsvFormat, JsonLinesFormat, ParquetFormat, TextCompression
from towpath_destination_s3.encoders.csv import CsvEncoder
from towpath_destination_s3.encoders.jsonl import JsonLinesEncoder
from towpath_destination_s3.encoders.parquet import ParquetEncoder

__all__ = ["Encoder", "Format", "encoder_for", "extension"]

Format = ParquetFormat | JsonLinesFormat | CsvFormat


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


def extension(form: Format) -> str:
    """Return the ending of a file's name, without its dot."""
    if isinstance(form, ParquetFormat):
        return "parquet"
    suffix = {TextCompression.NONE: "", TextCompression.GZIP: ".gz", TextCompression.ZSTD: ".zst"}[form.compression]
    return form.type + suffix
