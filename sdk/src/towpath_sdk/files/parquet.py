"""Parquet: batches are gathered into row groups, because small row groups make large and slow files."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

__all__ = ["ParquetEncoder"]

pc: Any = compute

_SAMPLE_ROWS = 10_000
_REPEATING = 0.5  # a dictionary pays when at most this part of the sampled values is distinct


class ParquetEncoder:
    """Encodes one file. A row group is written as soon as `row_group_bytes` of Arrow data wait."""

    def __init__(self, sink: Any, schema: pa.Schema, compression: str, row_group_bytes: int) -> None:
        self._sink = pa.PythonFile(sink, "w")
        self._schema = schema
        self._compression = compression
        self._row_group_bytes = row_group_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._buffered = 0
        self._writer: Any = None

    @property
    def buffered(self) -> int:
        """Bytes of Arrow data that wait in memory."""
        return self._buffered

    def write(self, records: pa.RecordBatch) -> None:
        """Take one batch."""
        self._waiting.append(records)
        self._buffered += records.nbytes  # of a slice, its own part only
        if self._buffered >= self._row_group_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one row group."""
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._waiting, self._buffered = [], 0
        if table.num_rows:
            self._open(table).write_table(table, row_group_size=table.num_rows)

    def close(self) -> None:
        """Write what waits, and the footer."""
        self.flush()
        self._open(pa.Table.from_batches([], self._schema)).close()

    def _open(self, first: pa.Table) -> Any:
        if self._writer is None:
            new_writer: Any = pq.ParquetWriter
            self._writer = new_writer(
                self._sink,
                self._schema,
                version="2.6",
                compression=self._compression,
                use_dictionary=_repeating_columns(first),
                write_batch_size=4096,
                data_page_size=1 << 20,
                store_decimal_as_integer=True,  # up to 18 digits: less to write, and less to read
            )
        return self._writer


def _repeating_columns(table: pa.Table) -> list[str] | bool:
    """Return the columns whose values repeat: a dictionary of values that do not costs time and space for nothing.

    Nested columns keep Parquet's default, which is to try.
    """
    sample = table.slice(0, _SAMPLE_ROWS)
    return [field.name for field, values in zip(sample.schema, sample.columns, strict=True) if _repeats(field, values)]


def _repeats(field: Any, values: Any) -> bool:
    type_ = field.type
    if pa.types.is_nested(type_) or pa.types.is_dictionary(type_) or isinstance(type_, pa.BaseExtensionType):
        return True
    if pa.types.is_boolean(type_) or pa.types.is_null(type_):
        return False
    return pc.count_distinct(values).as_py() <= _REPEATING * max(1, len(values))
