"""What the rows that a job delivers do to a stream's rows, decided by keys alone.

Of several rows with one key the last one counts, in the order of delivery. Keys are looked at range by range, so that
memory is bounded however many rows come: what is kept of all of them is a bit for each row.
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

__all__ = ["OP", "POSITION", "Changes", "Delivered", "Partials", "batches_of", "delivered_files"]

pc: Any = compute

OP, POSITION = "_towpath_op", "_towpath_position"
"""The reserved columns of a change stream; they are not stored."""

_UPSERT, _PARTIAL, _DELETE, _TRUNCATE = 1, 2, 3, 4
_BATCH_ROWS = 1 << 16
_SAMPLES_PER_RANGE = 256


@dataclass(frozen=True)
class Delivered:
    """A Parquet file of rows to merge. `first` is the number of its first row among all that are delivered."""

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
        cls, delivered: Sequence[Delivered], base: Sequence[Path], key: Sequence[str], rows_per_range: int
    ) -> Changes:
        """Decide. The rows of `base` are unique by the key."""
        start = _after_last_truncate(delivered)
        gone = [pa.repeat(pa.scalar(start > 0), _rows_of(path)) for path in base]
        changes = cls([_bits(file.rows) for file in delivered], gone, start > 0)
        for low, high in _ranges(delivered, key, rows_per_range):
            known = changes._decide(delivered, _events(delivered, key, start, low, high))
            if not changes.emptied and len(known):
                for index, path in enumerate(base):
                    found = [pc.is_in(texts, value_set=known) for texts in _key_batches(path, key)]
                    changes.gone[index] = pc.or_(changes.gone[index], _joined(found, pa.bool_()))
        return changes

    def _decide(self, delivered: Sequence[Delivered], events: pa.Table) -> Any:
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
        for index, file in enumerate(delivered):
            here = pc.and_(pc.greater_equal(stays, file.first), pc.less(stays, file.first + file.rows))
            (numbers,) = _where(here, stays)
            self.stays[index] = pc.or_(self.stays[index], _bits(file.rows, pc.subtract(numbers, file.first)))
        if pc.any(partial).as_py():
            self.partials.append(_partials(known, ids, op, row, partial, last_full))
        return known


def delivered_files(files: Sequence[tuple[Path, int]]) -> list[Delivered]:
    """Look at files, given with their generations, in the order of their delivery."""
    found: list[Delivered] = []
    first = 0
    for path, generation in files:
        with pq.ParquetFile(path) as file:
            found.append(Delivered(path, generation, first, file.schema_arrow, file.metadata.num_rows))
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


def _after_last_truncate(delivered: Sequence[Delivered]) -> int:
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


def _events(delivered: Sequence[Delivered], key: Sequence[str], start: int, low: str | None, high: str | None) -> Any:
    """Return keys, operations and numbers of the rows from `start` on whose keys are in `[low, high)`."""
    parts: list[pa.Table] = []
    for file in delivered:
        at = file.first
        for batch in batches_of(file.path, [*key, OP] if file.has_op else key):
            row = pa.array(range(at, at + batch.num_rows), pa.int64())
            at += batch.num_rows
            op = (
                batch.column(OP).cast(pa.uint8())
                if file.has_op
                else pa.repeat(pa.scalar(_UPSERT, pa.uint8()), batch.num_rows)
            )
            part: Any = pa.table({"key": key_texts(batch, key), "op": op, "row": row})
            wanted = pc.greater_equal(row, start)
            if low is not None:
                wanted = pc.and_(wanted, pc.greater_equal(part.column("key"), low))
            if high is not None:
                wanted = pc.and_(wanted, pc.less(part.column("key"), high))
            parts.append(part.filter(wanted))
    empty = pa.table(
        {"key": pa.array([], pa.large_string()), "op": pa.array([], pa.uint8()), "row": pa.array([], pa.int64())}
    )
    return pa.concat_tables([empty, *parts])


def _ranges(
    delivered: Sequence[Delivered], key: Sequence[str], rows_per_range: int
) -> list[tuple[str | None, str | None]]:
    """Cut all keys into ranges that hold about so many delivered rows each, judged by a sample."""
    rows = sum(file.rows for file in delivered)
    count = -(-rows // rows_per_range)
    if count <= 1:
        return [(None, None)]
    every = max(1, rows_per_range // _SAMPLES_PER_RANGE)
    sample: list[str] = []
    for file in delivered:
        for texts in _key_batches(file.path, key):
            sample += texts.take(pa.array(range(0, len(texts), every))).to_pylist()
    sample.sort(key=str.encode)
    cuts = sorted({sample[index * len(sample) // count] for index in range(1, count)}, key=str.encode)
    return list(zip([None, *cuts], [*cuts, None], strict=True))


def _key_batches(path: Path, key: Sequence[str]) -> Iterator[Any]:
    return (key_texts(batch, key) for batch in batches_of(path, key))


def _rows_of(path: Path) -> int:
    with pq.ParquetFile(path) as file:
        return file.metadata.num_rows


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


def _joined(arrays: Sequence[Any], type_: pa.DataType) -> Any:
    return pa.concat_arrays([pa.array([], type_), *arrays])
