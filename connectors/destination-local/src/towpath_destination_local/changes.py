"""What the rows that a job delivers do to a stream's rows, decided by keys alone.

Of several rows with one key the last one counts, in the order of delivery. Many keys are divided into ranges first, so
that memory is bounded however many rows come: what is kept of all of them is a bit for each row.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from towpath_destination_local.keys import key_texts
from towpath_destination_local.shards import cuts_of, sharded

__all__ = ["OP", "POSITION", "Changes", "NumberedFile", "Partials", "batches_of", "numbered_files"]

pc: Any = compute

OP, POSITION = "_towpath_op", "_towpath_position"
"""The reserved columns of a change stream; they are not stored."""

_UPSERT, _PARTIAL, _DELETE, _TRUNCATE = 1, 2, 3, 4
_BATCH_ROWS = 1 << 16
_AS_UPSERT = pa.scalar(_UPSERT, pa.uint8())
_NO_EVENTS: Any = pa.schema([("key", pa.large_string()), ("op", pa.uint8()), ("row", pa.int64())]).empty_table()

ROWS_PER_RANGE = 1 << 19
"""Delivered rows whose keys are in memory at a time."""


@dataclass(frozen=True)
class NumberedFile:
    """A Parquet file and its place among others: `first` is the number of its first row among the rows of all."""

    path: Path
    generation: int
    first: int
    schema: pa.Schema
    rows: int

    @property
    def has_op(self) -> bool:
        """The file says of each row what it does; without, each row is an upsert."""
        return OP in self.schema.names


@dataclass(frozen=True)
class Partials:
    """Partial updates that take effect, of one range of keys.

    `rows` are the numbers of the rows that make up the result, ascending; `keys` are their keys; `full` says of each
    whether it sets all columns. `on_base` are the keys whose row in the base is a part of the result, too.
    """

    rows: Any
    keys: Any
    full: Any
    on_base: Any


@dataclass
class Changes:
    """The outcome. `stays` holds a bit for each row of each delivered file, `gone` one for each row of each base file.

    `emptied` says that a truncate came: of the base nothing is left.
    """

    stays: list[Any]
    gone: list[Any]
    emptied: bool
    partials: list[Partials] = field(default_factory=list[Partials])

    @classmethod
    def of(
        cls,
        delivered: Sequence[NumberedFile],
        base: Sequence[Path],
        key: Sequence[str],
        folder: Path,
        rows_per_range: int = ROWS_PER_RANGE,
    ) -> Changes:
        """Decide. The rows of `base` are unique by the key; `folder` is for keys that do not go into memory."""
        start = _after_last_truncate(delivered)
        held = numbered_files([(path, 0) for path in base])
        changes = cls(
            stays=[_bits(file.rows) for file in delivered],
            gone=[pa.repeat(pa.scalar(start > 0), file.rows) for file in held],
            emptied=start > 0,
        )
        rows = sum(file.rows for file in delivered) - start
        cuts = cuts_of((part.column("key") for part in _events(delivered, key, start)), rows, rows_per_range)
        with (
            sharded(_events(delivered, key, start), cuts, folder) as events,
            sharded(_events([] if changes.emptied else held, key, 0), cuts, folder) as rows_held,
        ):
            for new, old in zip(events, rows_held, strict=True):
                known = changes._decide(delivered, pa.concat_tables([_NO_EVENTS, *new]))
                found = [part.column("row").filter(pc.is_in(part.column("key"), value_set=known)) for part in old]
                _set(changes.gone, held, pa.chunked_array(found, pa.int64()).combine_chunks())
        return changes

    def _decide(self, delivered: Sequence[NumberedFile], events: pa.Table) -> Any:
        """Decide for the keys of some events; return these keys, each once."""
        encoded = events.column("key").combine_chunks().dictionary_encode()
        known, ids = encoded.dictionary, encoded.indices
        op, row = events.column("op").combine_chunks(), events.column("row").combine_chunks()
        count = len(known)
        is_full = pc.not_equal(op, _PARTIAL)
        last, last_full = _last(ids, row, count), _last(ids.filter(is_full), row.filter(is_full), count)
        partial = pc.greater(last, last_full)  # what counts in the end builds on what came before
        whole = pc.and_(pc.equal(row, last.take(ids)), pc.equal(op, _UPSERT))
        (stays,) = _where(whole, row)
        _set(self.stays, delivered, stays)
        if pc.any(partial).as_py():
            self.partials.append(_partials(known, ids, op, row, partial, last_full))
        return known


def numbered_files(files: Sequence[tuple[Path, int]]) -> list[NumberedFile]:
    """Look at files, given with their generations, and number their rows in this order."""
    found: list[NumberedFile] = []
    first = 0
    for path, generation in files:
        with pq.ParquetFile(path) as file:
            found.append(NumberedFile(path, generation, first, file.schema_arrow, file.metadata.num_rows))
        first += found[-1].rows
    return found


def batches_of(path: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Read a file batch by batch."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(_BATCH_ROWS, columns=None if columns is None else list(columns))


def _partials(known: Any, ids: Any, op: Any, row: Any, partial: Any, last_full: Any) -> Partials:
    """Gather what makes up the rows that partial updates leave: the last full row, and all that came after it."""
    effective = pc.and_(partial.take(ids), pc.greater_equal(row, last_full.take(ids)))
    effective = pc.and_(effective, pc.not_equal(op, _DELETE))
    rows, keys, ops = _where(effective, row, ids, op)
    (on_base,) = _where(pc.and_(partial, pc.equal(last_full, -1)), known)
    return Partials(rows, known.take(keys), pc.equal(ops, _UPSERT), on_base)


def _after_last_truncate(delivered: Sequence[NumberedFile]) -> int:
    """Return the number of the first row that no truncate empties; 0 when there is none."""
    start = 0
    for file in delivered:
        at = file.first
        for batch in batches_of(file.path, [OP]) if file.has_op else ():
            found = pc.indices_nonzero(pc.equal(batch.column(OP), _TRUNCATE))
            if len(found):
                start = at + found[-1].as_py() + 1
            at += batch.num_rows
    return start


def _events(files: Sequence[NumberedFile], key: Sequence[str], start: int) -> Iterator[Any]:
    """Yield keys, operations and numbers of the rows from `start` on."""
    for file in files:
        at = file.first
        for batch in batches_of(file.path, [*key, OP] if file.has_op else key):
            op = batch.column(OP).cast(pa.uint8()) if file.has_op else pa.repeat(_AS_UPSERT, batch.num_rows)
            row = pa.array(range(at, at + batch.num_rows), pa.int64())
            at += batch.num_rows
            if at > start:
                events: Any = pa.table([key_texts(batch, key), op, row], schema=_NO_EVENTS.schema)
                yield events.slice(max(0, start - (at - batch.num_rows)))


def _set(bits: list[Any], files: Sequence[NumberedFile], rows: Any) -> None:
    """Set the bits of rows, given by their numbers among all rows of the files."""
    for index, file in enumerate(files):
        here = rows.filter(pc.and_(pc.greater_equal(rows, file.first), pc.less(rows, file.first + file.rows)))
        if len(here):
            bits[index] = pc.or_(bits[index], _bits(file.rows, pc.subtract(here, file.first)))


def _last(ids: Any, row: Any, count: int) -> Any:
    """Return the last row of each id; -1 for an id that has none."""
    grouped: Any = pa.table({"id": ids, "row": row}).group_by("id").aggregate([("row", "max")])
    rows, places = grouped.column("row_max").combine_chunks(), grouped.column("id").combine_chunks()
    return pc.fill_null(pc.scatter(rows, places, max_index=count - 1), -1) if count else rows


def _where(mask: Any, *arrays: Any) -> list[Any]:
    return [array.filter(mask) for array in arrays]


def _bits(count: int, places: Any = None) -> Any:
    """Return `count` bits, set at some places."""
    if places is None or not len(places):
        return pa.repeat(pa.scalar(value=False), count)
    return pc.fill_null(
        pc.scatter(pa.repeat(pa.scalar(value=True), len(places)), places, max_index=count - 1), fill_value=False
    )
