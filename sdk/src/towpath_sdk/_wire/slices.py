"""Cut Arrow data of any size into record batches of about the wanted number of bytes, and put small ones together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pyarrow as pa

__all__ = ["joined", "size_of", "slices"]

_INDIVISIBLE = 1.5

_record_batch_size = cast("Any", pa).ipc.get_record_batch_size
_concat_batches = cast("Any", pa).concat_batches


def size_of(records: pa.RecordBatch) -> int:
    """Bytes of the record batch message, without dictionaries; of a slice, those of its part."""
    return _record_batch_size(records)


def slices(records: pa.RecordBatch, target_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield consecutive slices, without copying, that cover every row once and have at most about `target_bytes`.

    Rows of similar size come out in even slices; where sizes vary, a slice is halved until it fits. A slice above the
    target is one row, or its type cannot be cut: views keep all of their data.
    """
    if not records.num_rows:
        return
    size = size_of(records)
    if size <= target_bytes:
        yield records
        return
    limit = target_bytes + target_bytes // 4
    rows = -(-records.num_rows // -(-size // target_bytes))
    if size_of(records.slice(0, rows)) > size // 2:
        yield from _halves(records, size, limit)
        return
    for start in range(0, records.num_rows, rows):
        piece = records.slice(start, rows)
        yield from _halves(piece, size_of(piece), limit)


def joined(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    """Return batches of one schema, at least one, as one batch; or as they are where Arrow cannot join their types."""
    if len(batches) == 1:
        return batches
    try:
        return [_concat_batches(list(batches))]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # dictionaries that outgrow their index type, for instance
        return batches


def _halves(records: pa.RecordBatch, size: int, limit: int) -> Iterator[pa.RecordBatch]:
    if records.num_rows == 1 or size <= limit:
        yield records
        return
    middle = records.num_rows // 2
    left, right = records.slice(0, middle), records.slice(middle)
    left_size, right_size = size_of(left), size_of(right)
    if left_size + right_size > _INDIVISIBLE * size:
        yield records
        return
    yield from _halves(left, left_size, limit)
    yield from _halves(right, right_size, limit)
