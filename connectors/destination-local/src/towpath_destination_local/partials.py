"""Partial updates: the columns of several rows with one key, folded into one row.

A partial update changes the columns that its file has, and leaves the others as they were; NULL where nothing was.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute
from towpath_sdk import Conflict, StreamName

from towpath_destination_local.changes import OP, POSITION, NumberedFile, Partials, batches_of
from towpath_destination_local.keys import key_texts

__all__ = ["folded"]

pc: Any = compute


def folded(
    stream: StreamName, partials: Partials, delivered: Sequence[NumberedFile], base: Sequence[Path], key: Sequence[str]
) -> pa.Table:
    """Return one row for each key of `partials`. Raises Conflict when a column has types that do not go together."""
    parts, keys, full = _parts(partials, delivered, base, key)
    try:
        rows = pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise Conflict(
            f"partial updates of {stream} do not go together with earlier rows: {error}; refresh the stream",
            reason="TYPES_CHANGED",
        ) from error
    encoded = pa.chunked_array(keys, pa.large_string()).combine_chunks().dictionary_encode()
    place = pa.array(range(len(rows)), pa.int64())
    columns: list[Any] = []
    for name in rows.schema.names:
        sets = pa.concat_arrays(
            [
                whole if name not in part.schema.names else pa.repeat(pa.scalar(value=True), len(part))
                for part, whole in zip(parts, full, strict=True)
            ]
        )
        columns.append(
            rows.column(name).take(_last(encoded.indices.filter(sets), place.filter(sets), len(encoded.dictionary)))
        )
    fields = [field.with_nullable(True) for field in rows.schema]
    return pa.table(columns, schema=pa.schema(fields))


def _parts(
    partials: Partials, delivered: Sequence[NumberedFile], base: Sequence[Path], key: Sequence[str]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Read the rows that make up the result, oldest first: tables, and per table keys, and which rows are full."""
    parts: list[Any] = []
    keys: list[Any] = []
    full: list[Any] = []
    for path in base if len(partials.on_base) else ():
        for batch in batches_of(path):
            texts = key_texts(batch, key)
            found = pc.is_in(texts, value_set=partials.on_base)
            if pc.any(found).as_py():
                parts.append(pa.Table.from_batches([batch.filter(found)]))
                keys.append(texts.filter(found))
                full.append(pa.repeat(pa.scalar(value=True), len(keys[-1])))
    for file in delivered:
        at = file.first
        for batch in batches_of(file.path):
            here = pc.and_(pc.greater_equal(partials.rows, at), pc.less(partials.rows, at + batch.num_rows))
            numbers = pc.subtract(partials.rows.filter(here), at)
            at += batch.num_rows
            if len(numbers):
                rows = batch.take(numbers)
                parts.append(
                    pa.Table.from_batches([rows.drop_columns([c for c in (OP, POSITION) if c in rows.schema.names])])
                )
                keys.append(partials.keys.filter(here))
                full.append(partials.full.filter(here))
    return parts, keys, full


def _last(ids: Any, place: Any, count: int) -> Any:
    """Return the last place of each id; NULL for one that has none."""
    grouped: Any = pa.table({"id": ids, "place": place}).group_by("id").aggregate([("place", "max")])
    last, at = grouped.column("place_max").combine_chunks(), grouped.column("id").combine_chunks()
    return pc.scatter(last, at, max_index=count - 1)
