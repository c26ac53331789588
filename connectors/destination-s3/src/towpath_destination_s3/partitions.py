"""Which rows of a batch belong to which partition. Values in, values out; no I/O."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from pyarrow import compute
from towpath_sdk import Misconfigured
from towpath_sdk.files import cell_texts, plain

__all__ = ["Partition", "check_partition_column", "partitions"]

pc: Any = compute
_types: Any = pa.types

Partition = tuple[str, str | None] | None
"""Column and value, None standing for NULL; no partition at all where the stream lacks the column."""


def check_partition_column(stream: str, schema: pa.Schema, column: str | None) -> None:
    """Raise Misconfigured when the column holds what is no sensible part of a path: nested or binary values, JSON."""
    if column is None or schema.get_field_index(column) < 0:
        return
    type_ = schema.field(column).type
    kinds = (_types.is_binary, _types.is_large_binary, _types.is_fixed_size_binary, _types.is_binary_view)
    if isinstance(type_, pa.JsonType) or _types.is_nested(type_) or any(is_kind(type_) for is_kind in kinds):
        raise Misconfigured(
            f"partition_by names {column}, which holds {type_} in {stream}; choose a column of texts, numbers or dates",
            reason="UNSUITABLE_PARTITION",
            fields={"partition_by": f"{column} of {stream} holds {type_}"},
        )


def partitions(records: pa.RecordBatch, column: str | None) -> Iterable[tuple[Partition, pa.RecordBatch]]:
    """Yield the parts of a batch, each of one partition and in their order; the column stays in the data."""
    if column is None or column not in records.schema.names:
        yield None, records
        return
    order, runs = _grouped(records.column(column))
    if len(runs) == 1:
        yield (column, runs[0][0]), records
        return
    start = 0
    for text, end in runs:
        # A copy: a slice would keep the whole batch in memory until the last partition's file is written.
        yield (column, text), records.take(order.slice(start, end - start))
        start = end


def _grouped(values: Any) -> tuple[Any, list[tuple[str | None, int]]]:
    """Return the rows' numbers grouped by value, each group in its order; and each group's text and end."""
    values = plain(values)
    if isinstance(values.type, pa.UuidType):
        values = cell_texts(values)
    encoded = pc.dictionary_encode(values, null_encoding="encode")
    texts = cell_texts(encoded.dictionary).to_pylist()
    order = pc.array_sort_indices(encoded.indices)  # stable
    runs = pc.run_end_encode(encoded.indices.take(order))
    return order, [
        (texts[index], end) for index, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True)
    ]
