"""Finding values that their Arrow type cannot hold, in whole columns at a time. Arrow in, Arrow out; no I/O."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc

from towpath_source_postgres.types import Guard

__all__ = ["Array", "count_true", "nested_decimals", "special_values", "without"]

Array: TypeAlias = "pa.Array[Any]"
"""An array of any type."""

_EARLIEST_DATE = -2440588
"""Days from 1970 to 4714-11-24 BC, PostgreSQL's first; what is earlier has wrapped around (an infinity)."""
_EARLIEST_TIMESTAMP = -210866803200000000
"""The same in microseconds; what is earlier has wrapped around (an infinity, or beyond 294247 AD)."""
_END_OF_DAY = 86_400_000_000
"""24:00 in microseconds, which Arrow's times cannot hold."""
_NUMERIC_SPECIALS: Array = cast("Any", pa).array(["NaN", "Infinity", "-Infinity"])

_compute = cast("Any", pc)  # the stubs know few of its overloads


def special_values(array: Array, guard: Guard) -> Array:
    """Return, per value, whether it is one that `guard` looks for; NULL or false where it is not."""
    anything = cast("Any", array)
    match guard:
        case Guard.DATE:
            return _compute.less(anything.view(pa.int32()), _EARLIEST_DATE)
        case Guard.TIMESTAMP:
            return _compute.less(anything.view(pa.int64()), _EARLIEST_TIMESTAMP)
        case Guard.TIME:
            return _compute.equal(anything.view(pa.int64()), _END_OF_DAY)
        case Guard.NUMERIC:
            return _compute.is_in(array, value_set=_NUMERIC_SPECIALS)
        case Guard.NONE:
            return pa.repeat(pa.scalar(value=False), len(array))


def count_true(flags: Array) -> int:
    """Return how many are true."""
    return int(cast("Any", flags).true_count)


def without(array: Array, special: Array) -> Array:
    """Return the array with NULL where `special` is true."""
    return _compute.if_else(special, pa.scalar(None, array.type), array)


def nested_decimals(lists: Array, values: Array, delivered: pa.DataType) -> Array:
    """Return `lists` with other `values`; the values are those of `lists.flatten()`, one for one."""
    nested = cast("Any", lists)
    ends = _compute.cumulative_sum(_compute.fill_null(nested.value_lengths(), 0)).cast(pa.int32())
    offsets = cast("Any", pa).concat_arrays([cast("Any", pa).array([0], pa.int32()), ends])
    return cast("Any", pa.ListArray).from_arrays(offsets, values, type=delivered, mask=lists.is_null())
