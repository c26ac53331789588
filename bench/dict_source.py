"""A source as most authors write one: a generator that yields a dict per row. Run as `python -m bench.dict_source`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from towpath_sdk import Config, Context, ReadStream, Record, Source, Stream, serve

__all__ = ["DictSource", "made_rows"]

_DIFFERENT = 1024
_NAMES = [f"Customer Number {number}" if number % 16 else None for number in range(_DIFFERENT)]
_EMAILS = [f"customer{number}@example.com" for number in range(_DIFFERENT)]
_TOTALS = [Decimal(number * 7919 % 100_000).scaleb(-2) for number in range(_DIFFERENT)]
_MOMENTS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=977 * number) for number in range(_DIFFERENT)]
_COUNTRIES = ("AT", "BR", "CH", "DE")

SCHEMA: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "name": pa.string(),
    "email": pa.string(),
    "country": pa.string(),
    "active": pa.bool_(),
    "score": pa.float64(),
    "visits": pa.int32(),
    "total": pa.decimal128(12, 2),
    "created_at": pa.timestamp("us", tz="UTC"),
}
"""Nine mixed columns, some 100 bytes a row as Arrow data."""


class Rows(Config):
    """How many."""

    rows: int


def made_rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield rows as a driver's cursor would: a new dict each, of values that are there already."""
    for number in range(count):
        at = number % _DIFFERENT
        yield {
            "id": number,
            "name": _NAMES[at],
            "email": _EMAILS[at],
            "country": _COUNTRIES[at & 3],
            "active": at % 3 == 0,
            "score": at * 0.5,
            "visits": at,
            "total": _TOTALS[at],
            "created_at": _MOMENTS[at],
        }


class DictSource(Source[Rows]):
    """One stream of dicts."""

    def discover(self, config: Rows) -> Iterator[Stream]:
        """Yield the one stream."""
        yield Stream("rows", SCHEMA, estimated_rows=config.rows)

    def read(self, config: Rows, stream: ReadStream, context: Context) -> Iterator[Record]:  # noqa: ARG002 one stream
        """Yield dicts."""
        yield from made_rows(config.rows)


if __name__ == "__main__":
    serve(DictSource())
