"""What there is to read: a shop, all types, and what a careless platform stumbles over."""

from __future__ import annotations

from typing import Any

import pytest
from towpath_sdk import Misconfigured, NotFound, ReadMode, StreamName
from towpath_sdk.testing import ConnectorUnderTest

CONFIG: dict[str, Any] = {"seed": 1, "rows": 30, "wide_columns": 20}


def test_streams_are_offered_as_they_can_be_read(faker: ConnectorUnderTest) -> None:
    """Keys, cursors and modes are what a user chooses from."""
    streams = faker.discover({**CONFIG, "changes": {"day": 2, "inserts": 5}})
    assert [stream.name for stream in streams] == ["customers", "orders", "events", "types", "empty", "wide"]
    assert [stream.estimated_rows for stream in streams] == [40, 40, 40, 30, 0, 30]
    for stream in streams:
        incremental = ReadMode.INCREMENTAL in stream.read_modes
        assert stream.cursor_columns == (("updated_at",) if incremental else ())
        assert set(stream.primary_key) <= set(stream.arrow_schema.names)
        read = faker.read(CONFIG, stream.name)
        assert read.schemas == [stream.arrow_schema]
        assert read.primary_keys == [tuple(stream.primary_key)]


def test_very_many_streams_are_listed_quickly_and_each_can_be_read(faker: ConnectorUnderTest) -> None:
    """Ten thousand tables are a normal database; none of them may be looked for by going through all."""
    config = {**CONFIG, "extra_streams": 12_000}
    streams = [stream for stream in faker.discover(config) if stream.namespace == "extra"]
    assert len({stream.name for stream in streams}) == 12_000
    last = faker.read(config, StreamName("extra", streams[-1].name))
    assert last.num_rows == 3
    assert last.rows != faker.read(config, StreamName("extra", streams[0].name)).rows


@pytest.mark.parametrize(
    "name", ["extra.stream_000009", "extra.stream_9", "extra.stream_", "extra.x", "shop.orders", "x"]
)
def test_stream_that_there_is_not_is_not_found(faker: ConnectorUnderTest, name: str) -> None:
    """Another spelling of a number is no other stream."""
    with pytest.raises(NotFound, match="customers, orders, events"):
        faker.read({**CONFIG, "extra_streams": 9}, name)


def test_empty_stream_has_a_schema_and_a_checkpoint(faker: ConnectorUnderTest) -> None:
    """A table without rows still becomes a table."""
    read = faker.read(CONFIG, "empty")
    assert read.complete
    assert (read.num_rows, len(read.checkpoints), read.schemas[0].names) == (0, 1, ["id", "color"])


@pytest.mark.parametrize("rows", [0, 1])
def test_small_numbers_of_rows_are_numbers_too(faker: ConnectorUnderTest, rows: int) -> None:
    """The edges at which divisions by the number of rows are found."""
    config = {**CONFIG, "rows": rows, "changes": {"day": 2, "inserts": 0, "updates": 3}}
    for mode in (ReadMode.SNAPSHOT, ReadMode.INCREMENTAL):
        assert faker.read(config, "orders", mode).num_rows == rows
    assert len(faker.plan(config, "orders", target_splits=4)) == 1


def test_what_cannot_be_read_so_is_refused(faker: ConnectorUnderTest) -> None:
    """Each with what can be chosen instead."""
    with pytest.raises(Misconfigured, match="choose snapshot or incremental"):
        faker.read(CONFIG, "orders", ReadMode.CHANGES)
    with pytest.raises(Misconfigured, match="choose snapshot"):
        faker.read(CONFIG, "types", ReadMode.INCREMENTAL)
    with pytest.raises(Misconfigured, match="choose updated_at"):
        faker.read(CONFIG, "orders", ReadMode.INCREMENTAL, cursor_column="id")
    with pytest.raises(Misconfigured, match="no column 'colour'"):
        faker.read(CONFIG, "orders", columns=["id", "colour"])


def test_incremental_read_is_one_split_and_foreign_splits_are_refused(faker: ConnectorUnderTest) -> None:
    """States of several splits of one log could not become one state again."""
    (whole,) = faker.plan(CONFIG, "orders", ReadMode.INCREMENTAL, target_splits=5)
    assert faker.read(CONFIG, "orders", ReadMode.INCREMENTAL, split=whole).num_rows == 30
    (part, _) = faker.plan(CONFIG, "orders", target_splits=2)
    for config, mode in (({**CONFIG, "rows": 7}, ReadMode.SNAPSHOT), (CONFIG, ReadMode.INCREMENTAL)):
        with pytest.raises(Misconfigured) as refused:
            faker.read(config, "orders", mode, split=part)
        assert refused.value.reason == "UNKNOWN_SPLIT"
