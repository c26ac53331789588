"""Destinations that store wrongly what they were given rightly: the good writer, seen by a bad one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from conformance_processes.wrapped import Wrapped
from pyarrow import compute
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.destination import LocalDestination
from towpath_sdk import Batch, Context, OpenWrite, WriteMode, Writer

from conformance_mutants.mutant import mutant

pc: Any = compute


def _with(wrap: type[Wrapped]) -> type[LocalDestination]:
    class _Spoilt(LocalDestination):
        def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
            return wrap(super().open(config, write, context), write)

    return _Spoilt


class _TakesEqualRowsForOne(Wrapped):
    """Appends each row once per batch."""

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        records: Any = batch.records
        appends = self.opened.streams[batch.stream].mode is WriteMode.APPEND
        if not appends or set(records.schema.names) != {"id", "label"}:
            return records
        first = {(row["id"], row["label"]): at for at, row in reversed(list(enumerate(records.to_pylist())))}
        return records.take(pa.array(sorted(first.values())))


class _KeepsTheFirstSchema(Wrapped):
    """Stores the columns that the first batch of a stream had, and no others."""

    def __init__(self, inner: Writer, write: OpenWrite) -> None:
        super().__init__(inner, write)
        self._columns: dict[int, list[str]] = {}

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        records: Any = batch.records
        known = self._columns.setdefault(batch.stream, records.schema.names)
        return records.select([name for name in records.schema.names if name in known])


class _RoundsToMilliseconds(Wrapped):
    """Stores points in time without their microseconds."""

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        records: Any = batch.records
        columns = [
            column.cast(pa.timestamp("ms"), safe=False).cast(column.type)
            if column.type == pa.timestamp("us")
            else column
            for column in records.columns
        ]
        return pa.RecordBatch.from_arrays(columns, schema=records.schema)


class _DropsWhatItCannotStore(Wrapped):
    """Leaves out rows with points in time that are too far away, and says nothing."""

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        records: Any = batch.records
        for column in records.columns:
            if column.type == pa.timestamp("s"):
                far = pc.greater(column.cast(pa.int64()), 2**53)
                records = records.filter(pc.invert(pc.fill_null(far, fill_value=False)))
        return records


class _MistakesOperations(Wrapped):
    """Takes one operation of a change stream for an upsert."""

    mistaken: int

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        records: Any = batch.records
        if "_towpath_op" not in records.schema.names:
            return records
        op = records.column("_towpath_op")
        changed = pc.if_else(pc.equal(op, pa.scalar(self.mistaken, op.type)), pa.scalar(1, op.type), op)
        at = records.schema.get_field_index("_towpath_op")
        return records.set_column(at, records.schema.field(at), changed)


class _TakesPartsForWholes(_MistakesOperations):
    """Puts NULL into the columns that a partial update does not bring."""

    mistaken = 2


class _BringsBackTheDeleted(_MistakesOperations):
    """Stores what is to be deleted."""

    mistaken = 3


class _LosesTheSecondBatchAfterResuming(Wrapped):
    """Skips a batch of those that are sent once more."""

    _batches = 0

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        self._batches += 1
        lost = self.opened.resume_after_commit_seq and self._batches == 2
        return None if lost else batch.records


for _check, _name, _wrap in (
    ("write.append", "takes equal rows for one", _TakesEqualRowsForOne),
    ("write.schema-change", "keeps the first schema", _KeepsTheFirstSchema),
    ("write.values", "rounds to milliseconds", _RoundsToMilliseconds),
    ("write.rejected-rows", "drops what it cannot store", _DropsWhatItCannotStore),
    ("write.dedup", "brings back the deleted", _BringsBackTheDeleted),
    ("write.partial-updates", "takes parts for wholes", _TakesPartsForWholes),
    ("write.replay-loses-nothing", "loses a batch after resuming", _LosesTheSecondBatchAfterResuming),
):
    mutant(_check, "destination", _name, part=_with(_wrap))
