"""The same seed makes the same rows: however they are divided, selected, and wherever a read begins."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towpath_sdk import Split
from towpath_sdk.testing import ConnectorUnderTest

STREAMS = ["customers", "orders", "events", "types", "wide"]


def _config(**more: Any) -> dict[str, Any]:
    return {"seed": 7, "rows": 60, "wide_columns": 20, **more}


def test_first_rows_are_those_of_every_release(faker: ConnectorUnderTest) -> None:
    """Whoever writes a seed into a test expects its rows for good."""
    new_year = datetime(2024, 1, 1, tzinfo=UTC)
    customer, order = (faker.read(_config(rows=1), name).rows[0] for name in ("customers", "orders"))
    assert customer == CUSTOMER | {"created_at": new_year, "updated_at": new_year}
    assert order == ORDER | {"created_at": new_year, "updated_at": new_year}


CUSTOMER = {
    "id": 1,
    "name": "Leslie Floyd",
    "email": "customer1@example.com",
    "country": "AT",
    "points": 1283,
    "discount": 0.012472378487166091,
}
ORDER = {"id": 1, "customer_id": 1, "status": "paid", "total": Decimal("81473.73"), "express": False}


@given(
    seed=st.integers(0, 2**63 - 1), rows=st.integers(1, 200), parts=st.integers(1, 7), stream=st.sampled_from(STREAMS)
)
@settings(deadline=None, max_examples=25)
def test_splits_together_are_the_whole_whatever_the_seed(
    faker: ConnectorUnderTest, seed: int, rows: int, parts: int, stream: str
) -> None:
    """Splits are read by several processes at once; a row that two make, or none, is a wrong copy."""
    config = _config(seed=seed, rows=rows)
    splits = faker.plan(config, stream, target_splits=parts)
    assert len(splits) == min(parts, rows)
    assert splits == faker.plan(config, stream, target_splits=parts)
    pieces = [faker.read(config, stream, split=split).table for split in reversed(splits)]
    assert _same(pa.concat_tables(reversed(pieces)), faker.read(config, stream).table)


@given(bounds=st.lists(st.integers(0, 60), min_size=1, max_size=5), batch=st.integers(1, 70), pause=st.integers(1, 70))
@settings(deadline=None, max_examples=15)
def test_batches_and_checkpoints_do_not_change_the_rows(
    faker: ConnectorUnderTest, bounds: list[int], batch: int, pause: int
) -> None:
    """A user who turns these to make a read faster must not get other data."""
    whole = faker.read(_config(), "orders").rows
    config = _config(batch_rows=batch, checkpoint_rows=pause, emit="rows")
    assert faker.read(config, "orders").rows == whole
    for first, end in pairwise(sorted(bounds)):
        token = f'{{"first": {first}, "end": {end}, "day": 0}}'.encode()
        assert faker.read(config, "orders", split=Split("mine", token)).rows == whole[first:end]


def test_other_seeds_streams_and_columns_make_other_values(faker: ConnectorUnderTest) -> None:
    """A column that repeats another one would make every join in a test look right."""
    first, other = (faker.read(_config(seed=seed), "events").table for seed in (7, 8))
    assert first["seconds"] != other["seconds"]
    assert first["customer_id"] != faker.read(_config(), "orders").table["customer_id"]
    wide = faker.read(_config(), "wide").table
    assert wide["column_0000"] != wide["column_0001"]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_column_alone_is_the_column_among_others(faker: ConnectorUnderTest, stream: str) -> None:
    """Selecting columns spares their making; it must not shift the dice."""
    table = faker.read(_config(row_bytes=12), stream).table
    names = table.schema.names[:0:-2]
    chosen = faker.read(_config(row_bytes=12), stream, columns=names).table
    assert chosen.schema.names == names
    assert _same(chosen, table.select(names))


def _same(left: pa.Table, right: pa.Table) -> bool:
    """Equal, NaN included, which equals nothing."""
    return left.schema == right.schema and repr(left.to_pylist()) == repr(right.to_pylist())


def test_values_look_like_what_they_are_called(faker: ConnectorUnderTest) -> None:
    """Sums, ranges and shares: rows that are obviously wrong help nobody."""
    orders = faker.read(_config(rows=5000), "orders").table.to_pydict()
    assert sorted(set(orders["status"])) == ["new", "paid", "returned", "shipped"]
    assert all(1 <= customer <= 5000 for customer in orders["customer_id"])
    assert all(Decimal(0) <= total < Decimal(100_000) for total in orders["total"])
    assert 400 < sum(orders["express"]) < 900
    events = faker.read(_config(rows=5000, row_bytes=33), "events").table.to_pydict()
    assert {len(text) for text in events["padding"]} == {33}
    assert len(set(events["padding"])) > 4500
    assert 200 < sum(seconds is None for seconds in events["seconds"]) < 450
