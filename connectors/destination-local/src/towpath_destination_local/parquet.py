"""Parquet files in the making: batches are gathered into row groups, because small row groups make slow files."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["ROW_GROUP_BYTES", "ParquetEncoder"]

ROW_GROUP_BYTES = 16 << 20


class ParquetEncoder:
    """Encodes one file. A row group is written as soon as enough Arrow data wait."""

    def __init__(self, sink: Any, schema: pa.Schema, compression: str) -> None:
        new_writer: Any = pq.ParquetWriter
        self._writer = new_writer(
            pa.PythonFile(sink, "w"), schema, version="2.6", compression=compression, store_decimal_as_integer=True
        )
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self.buffered = 0

    def write(self, records: pa.RecordBatch) -> None:
        """Take one batch."""
        self._waiting.append(records)
        self.buffered += records.nbytes
        if self.buffered >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one row group."""
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._waiting, self.buffered = [], 0
        if table.num_rows:
            self._writer.write_table(table, row_group_size=table.num_rows)

    def close(self) -> None:
        """Write what waits, and the footer."""
        self.flush()
        self._writer.close()
