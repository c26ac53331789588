"""Rows as mappings, gathered into record batches of a declared schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pyarrow as pa

from towpath_sdk._wire.schemas import Field, fields_of, selected
from towpath_sdk.errors import BadRecord

__all__ = ["RowBuffer"]

_MAX_ROWS = 4096
"""Few enough that rows are still in the processor's cache when they become columns: a sixth faster than all at once."""
_FIXED_BYTES = 16

_record_batch: Any = pa.RecordBatch
_pa_array: Any = cast("Any", pa).array


class RowBuffer:
    """Gathers mappings; values that are missing are NULL, names that the schema lacks are an error.

    `columns` selects and orders what comes out; names that are declared but not selected are left out.
    """

    def __init__(self, stream: str, declared: pa.Schema, columns: Sequence[str], target_bytes: int) -> None:
        """Every one of `columns` is declared; empty means all."""
        self._stream = stream
        self._declared = frozenset(declared.names)
        self.schema = selected(declared, columns) if columns else declared
        self._names: list[str] = list(self.schema.names)
        self._sized = [field.name for field in fields_of(self.schema) if not _is_fixed(field.type)]
        self._fixed_row_bytes = _FIXED_BYTES * max(1, len(self._names))
        self._max_rows = max(1, min(_MAX_ROWS, target_bytes // self._fixed_row_bytes))
        self._target_bytes = target_bytes
        self._rows: list[Mapping[str, object]] = []
        self._bytes = 0

    def __len__(self) -> int:
        """Rows that wait."""
        return len(self._rows)

    def append(self, row: Mapping[str, Any]) -> bool:
        """Add one row; True when it is time to `take`. Sizes are estimated, well enough to bound memory."""
        rows, size = self._rows, self._bytes
        rows.append(row)
        for name in self._sized:
            value = row.get(name)
            if value:
                kind: object = value.__class__
                size += len(value) if kind is str or kind is bytes else _rough_size(value)
        self._bytes = size
        return size >= self._target_bytes or len(rows) >= self._max_rows

    def take(self, first_row: int) -> pa.RecordBatch:
        """Return the rows that wait as one record batch; `first_row` of them came before, in this read.

        Raises BadRecord naming row and column of a value that does not fit.
        """
        rows, self._rows, self._bytes = self._rows, [], 0
        columns = self._columns(rows, first_row)
        arrays = [
            self._array(field, column, first_row) for field, column in zip(fields_of(self.schema), columns, strict=True)
        ]
        return _record_batch.from_arrays(arrays, schema=self.schema)

    def _columns(self, rows: list[Mapping[str, object]], first_row: int) -> Sequence[Sequence[object]]:
        width = len(self._names)
        if set(map(len, rows)) == {width}:
            try:
                return [[row[name] for row in rows] for name in self._names]
            except KeyError:  # a name is missing and another one is unknown or not selected
                pass
        for position, row in enumerate(rows):
            if not row.keys() <= self._declared:
                unknown = ", ".join(repr(str(name)) for name in sorted(set(row) - self._declared, key=str))
                raise BadRecord(
                    f"row {first_row + position + 1} of stream {self._stream} has {unknown},"
                    " which its schema does not declare",
                    reason="UNDECLARED_COLUMN",
                )
        return [[row.get(name) for row in rows] for name in self._names]

    def _array(self, field: Field, values: Sequence[object], first_row: int) -> pa.Array[Any]:
        try:
            array = _array_of(values, field.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            raise self._fault(field, values, first_row) from None
        if array.null_count and not field.nullable:
            position = array.is_valid().to_pylist().index(False)
            raise BadRecord(
                f"row {first_row + position + 1} of stream {self._stream} has no value in column {field.name!r},"
                " which is not nullable",
                reason="MISSING_VALUE",
            )
        return array

    def _fault(self, field: Field, values: Sequence[object], first_row: int) -> BadRecord:
        """Find the first value at fault: conversion is all or nothing, and says only what is wrong."""
        for position, value in enumerate(values):
            try:
                _array_of([value], field.type)
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                # Arrow quotes the value, which may be nobody's to see in a log.
                return BadRecord(
                    f"row {first_row + position + 1} of stream {self._stream}: column {field.name!r} is {field.type}"
                    f" and cannot hold this value of type {type(value).__name__}",
                    reason="UNFIT_VALUE",
                )
        return BadRecord(
            f"stream {self._stream}: column {field.name!r} is {field.type} and cannot hold its values together",
            reason="UNFIT_VALUE",
        )


def _array_of(values: Sequence[object], data_type: pa.DataType) -> pa.Array[Any]:
    return _pa_array(values, type=data_type)


def _is_fixed(data_type: pa.DataType) -> bool:
    try:
        return bool(data_type.bit_width)
    except ValueError:
        return False


def _rough_size(value: object) -> int:
    if isinstance(value, str | bytes | bytearray | memoryview):
        return len(cast("bytes", value))
    if isinstance(value, Mapping):
        return _FIXED_BYTES + sum(map(_rough_size, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple):
        return _FIXED_BYTES + sum(map(_rough_size, cast("list[object]", value)))
    return _FIXED_BYTES
