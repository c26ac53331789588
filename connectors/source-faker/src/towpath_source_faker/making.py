"""How columns are made: each function returns what makes one, for any rows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
from pyarrow import compute

from towpath_source_faker.tables import Column, Rows

__all__ = ["choice", "created_at", "derived", "float_from", "integer_from", "padding", "row_id", "updated_at"]

_pc: Any = compute
_array: Any = cast("Any", pa).array
_Values: TypeAlias = "pa.Array[Any]"

MOMENT = pa.timestamp("us", tz="UTC")


def row_id(name: str = "id") -> Column:
    """The number of the row, from 1."""
    return Column(name, pa.int64(), lambda rows: _array(rows.numbers + 1), nullable=False)


def integer_from(name: str, low: int, end: int, *, changes: bool = False) -> Column:
    """An even choice from `low` to below `end`; of 64 bits."""

    def make(rows: Rows) -> _Values:
        return _array(low + rows.dice.below(end - low, name, rows.numbers, rows.versions if changes else None))

    return Column(name, pa.int64(), make, nullable=False)


def float_from(name: str, low: float, high: float) -> Column:
    """An even choice between two numbers; NULL in one of sixteen rows."""

    def make(rows: Rows) -> _Values:
        words = rows.dice.words(name, rows.numbers)
        values = low + (words >> np.uint64(11)) * ((high - low) / 2.0**53)
        return _array(values, mask=words & np.uint64(15) == 0)

    return Column(name, pa.float64(), make)


def choice(name: str, among: Sequence[str], *, changes: bool = False, data_type: pa.DataType | None = None) -> Column:
    """An even choice among texts, as strings or encoded as a dictionary."""
    values = pa.array(among, pa.string())
    type_ = data_type or pa.string()

    def make(rows: Rows) -> _Values:
        indexes = rows.dice.below(len(among), name, rows.numbers, rows.versions if changes else None)
        if pa.types.is_dictionary(type_):
            return cast("Any", pa).DictionaryArray.from_arrays(_array(indexes.astype(np.int32)), values)
        return _pc.take(values, _array(indexes), boundscheck=False)

    return Column(name, type_, make, nullable=False)


def derived(name: str, data_type: pa.DataType, make: Callable[[Rows], _Values], *, nullable: bool = False) -> Column:
    """What a function of the rows says."""
    return Column(name, data_type, make, nullable=nullable)


def created_at(name: str = "created_at") -> Column:
    """When the row was inserted."""

    def make(rows: Rows) -> _Values:
        return _array(rows.timeline.created_at(rows.numbers)).cast(MOMENT)

    return Column(name, MOMENT, make, nullable=False)


def updated_at(name: str = "updated_at") -> Column:
    """When the row was inserted or last updated: a cursor that differs for any two rows."""

    def make(rows: Rows) -> _Values:
        return _array(rows.timeline.updated_at(rows.numbers, rows.versions)).cast(MOMENT)

    return Column(name, MOMENT, make, nullable=False)


def padding(size: int) -> Column:
    """So many characters."""

    def make(rows: Rows) -> _Values:
        return rows.dice.padding(size, rows.numbers)

    return Column("padding", pa.string(), make, nullable=False, view=True)
