"""Rows are made in blocks that are larger than a batch, and batches are pieces of them.

To call what makes a column costs as much as to make some hundred values, and more when the processor has done other
things since. Columns that are views of something already there are made by the batch instead: they cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from towpath_source_faker.dice import Dice, Integers
from towpath_source_faker.tables import Column, Rows, Table
from towpath_source_faker.timeline import Timeline

__all__ = ["Blocks"]

_BLOCK_BYTES = 4 << 20
_VALUE_BYTES = 16

_record_batch: Any = cast("Any", pa).RecordBatch


@dataclass(frozen=True)
class _Block:
    """Places from `first` to below `end`: those at which there is a row, the rows, and the columns made for them."""

    first: int
    end: int
    changed: bool
    places: Integers
    rows: Rows
    arrays: Sequence[pa.Array[Any] | None]


class Blocks:
    """Makes the rows of one read, in order; remembers the block that it is in."""

    def __init__(
        self, table: Table, selected: Sequence[str], dice: Dice, timeline: Timeline, *, log: bool, end: int, rows: int
    ) -> None:
        """`selected` is empty for all columns. Places are entries of the `log`, or row numbers; `rows` are a batch."""
        self._table = table
        self._selected = selected
        self._dice = dice
        self._timeline = timeline
        self._log = log
        self._end = end
        batches = _BLOCK_BYTES // (rows * _VALUE_BYTES * len(selected or table.columns))
        self.size = rows * max(1, batches)
        """Places in a block; no batch goes across its end."""
        self._block: _Block | None = None

    def batch(self, first: int, end: int, *, changed: bool) -> pa.RecordBatch:
        """Return the rows at the places from `first` to below `end`; there may be none.

        `changed` says that they come after the change of schema.
        """
        columns = self._table.chosen(self._selected, changed=changed)
        block = self._block
        if block is None or block.changed is not changed or not block.first <= first < block.end:
            block = self._block = self._made(columns, first, changed=changed)
        low, high = np.searchsorted(block.places, (first, end))
        piece = block.rows.piece(int(low), int(high))
        arrays = [
            column.make(piece) if array is None else array.slice(low, high - low)
            for column, array in zip(columns, block.arrays, strict=True)
        ]
        return _record_batch.from_arrays(arrays, schema=pa.schema([column.field for column in columns]))

    def _made(self, columns: Sequence[Column], first: int, *, changed: bool) -> _Block:
        end = min(first - first % self.size + self.size, self._end)
        if self._log:
            places, numbers, versions = self._timeline.standing(first, end)
        else:
            places = numbers = np.arange(first, end, dtype=np.int64)
            versions = self._timeline.versions(numbers)
        rows = Rows(self._dice, self._timeline, numbers, versions)
        arrays = [None if column.view else column.make(rows) for column in columns]
        return _Block(first, end, changed, places, rows, arrays)
