"""Streams that a careless platform stumbles over: one without rows, one with very many columns, very many tiny ones."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from towpath_sdk import StreamName

from towpath_source_faker.config import FakerConfig
from towpath_source_faker.making import choice, integer_from, row_id
from towpath_source_faker.tables import Table

__all__ = ["EXTRA", "empty", "extra", "extras", "wide"]

EXTRA = "extra"
"""Namespace of the tiny streams."""
_EXTRA_ROWS = 3
_COLORS = choice("color", ["red", "green", "blue"], data_type=pa.dictionary(pa.int32(), pa.string()))


def empty() -> Table:
    """A stream without rows."""
    return Table("empty", [row_id(), _COLORS], 0)


def wide(config: FakerConfig) -> Table:
    """A stream with very many columns."""
    columns = [integer_from(f"column_{number:04}", 0, 1000) for number in range(config.wide_columns)]
    return Table("wide", [row_id(), *columns], config.rows)


def extras(config: FakerConfig) -> Iterator[Table]:
    """The tiny streams, in order."""
    return (_extra(number) for number in range(config.extra_streams))


def extra(config: FakerConfig, name: StreamName) -> Table | None:
    """One of the tiny streams, without going through all of them; None when there is none of this name."""
    prefix, _, digits = name.name.rpartition("_")
    if prefix != "stream" or not digits.isdecimal() or not digits.isascii():
        return None
    number = int(digits)
    table = _extra(number)
    return table if number < config.extra_streams and table.name == name.name else None


def _extra(number: int) -> Table:
    return Table(f"stream_{number:06}", [row_id(), _COLORS], _EXTRA_ROWS, namespace=EXTRA)
