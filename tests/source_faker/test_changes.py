"""From one day to the next rows are inserted and updated, and an incremental read finds exactly these."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from towpath_sdk import Misconfigured, ReadMode
from towpath_sdk.testing import ConnectorUnderTest
from towpath_source_faker.config import Changes
from towpath_source_faker.timeline import Timeline


def _config(day: int, **more: Any) -> dict[str, Any]:
    return {"seed": 3, "rows": 50, "checkpoint_rows": 9, "changes": {"day": day, "inserts": 4, "updates": 11}, **more}


@given(
    seed=st.integers(0, 2**63 - 1),
    rows=st.integers(0, 60),
    inserts=st.integers(0, 9),
    updates=st.integers(0, 80),
    day=st.integers(0, 9),
)
def test_history_agrees_with_itself(seed: int, rows: int, inserts: int, updates: int, day: int) -> None:
    """What still stands in the log is every row once, in its last version; its moments grow along the log."""
    timeline = Timeline.of(seed, "s", rows, Changes(inserts=inserts, updates=updates), day)
    _, numbers, versions = timeline.standing(0, timeline.entries)
    assert sorted(numbers.tolist()) == list(range(rows + day * inserts))
    assert timeline.versions(numbers).tolist() == versions.tolist()
    moments = timeline.updated_at(numbers, versions)
    assert (np.diff(moments) > 0).all()
    assert (timeline.created_at(numbers) <= moments).all()


@given(cuts=st.lists(st.integers(0, 200), max_size=4))
def test_pieces_of_the_log_are_its_whole(cuts: list[int]) -> None:
    """A batch covers any piece of the log; rows at its edges must not get lost."""
    timeline = Timeline.of(5, "s", 50, Changes(inserts=4, updates=11), 6)
    bounds = [0, *sorted(min(cut, timeline.entries) for cut in cuts), timeline.entries]
    pieces = [timeline.standing(low, high) for low, high in pairwise(bounds)]
    for piecewise, whole in zip(zip(*pieces, strict=True), timeline.standing(0, timeline.entries), strict=True):
        assert np.concatenate(piecewise).tolist() == whole.tolist()


def test_first_incremental_read_is_the_snapshot_by_updated_at(faker: ConnectorUnderTest) -> None:
    """Two ways to the same table must agree, or one of them is wrong."""
    for day in (0, 1, 5):
        snapshot = faker.read(_config(day), "customers").rows
        incremental = faker.read(_config(day), "customers", ReadMode.INCREMENTAL, cursor_column="updated_at").rows
        assert incremental == sorted(snapshot, key=lambda row: cast("Any", row["updated_at"]))


def test_next_read_finds_what_is_new_and_what_changed(faker: ConnectorUnderTest) -> None:
    """Upserted by its key, the increment must turn yesterday's copy into today's table."""
    copy = {row["id"]: row for row in faker.read(_config(0), "orders").rows}
    state = faker.read(_config(0), "orders", ReadMode.INCREMENTAL).state
    for day in (1, 2, 5):
        found = faker.read(_config(day), "orders", ReadMode.INCREMENTAL, state=state)
        assert any(row["id"] in copy for row in found.rows)
        assert any(row["id"] not in copy for row in found.rows)
        copy |= {row["id"]: row for row in found.rows}
        assert list(copy.values()) == sorted(
            faker.read(_config(day), "orders").rows, key=lambda row: list(copy).index(row["id"])
        )
        state = found.state
        assert faker.read(_config(day), "orders", ReadMode.INCREMENTAL, state=state).rows == []


def test_an_update_changes_what_may_change_and_nothing_else(faker: ConnectorUnderTest) -> None:
    """A status moves on; who ordered does not."""
    before, after = ({row["id"]: row for row in faker.read(_config(day, rows=500), "orders").rows} for day in (0, 1))
    changed = [key for key in before if before[key] != after[key]]
    assert len(changed) == 11
    assert all(before[key]["customer_id"] == after[key]["customer_id"] for key in changed)
    assert any(before[key]["status"] != after[key]["status"] for key in changed)
    assert any(before[key]["total"] != after[key]["total"] for key in changed)


def test_the_clock_file_is_the_day(faker: ConnectorUnderTest, tmp_path: Path) -> None:
    """A test lets time pass under a configuration that stays as it is."""
    clock = tmp_path / "clock"
    config = _config(0, changes={"clock": str(clock), "inserts": 4})
    assert faker.read(config, "orders").num_rows == 50
    clock.write_text("3\n")
    assert faker.read(config, "orders").num_rows == 62
    clock.write_text("tomorrow")
    with pytest.raises(Misconfigured) as refused:
        faker.read(config, "orders")
    assert list(refused.value.fields) == ["changes.clock"]
    assert [result.probe for result in faker.check(config) if result.failure] == ["clock"]


def test_schema_changes_in_the_middle_of_a_stream(faker: ConnectorUnderTest) -> None:
    """A column appears while the stream is read: the rows before lack it, the rows after have it."""
    plain = faker.read(_config(0), "orders")
    changing = faker.read(_config(0, schema_change_after_rows=20), "orders")
    assert [schema.names for schema in changing.schemas] == [
        plain.table.schema.names,
        [*plain.table.schema.names, "note"],
    ]
    assert [("note" in row) for row in changing.rows] == [False] * 20 + [True] * 30
    assert [{name: row[name] for name in plain.table.schema.names} for row in changing.rows] == plain.rows
    assert faker.read(_config(0, schema_change_after_rows=0), "orders").table.schema.names[-1] == "note"
    later = faker.read(_config(0, schema_change_after_rows=20), "orders", state=changing.checkpoints[3].state)
    assert later.table.schema.names[-1] == "note"
    narrow = faker.read(_config(0, schema_change_after_rows=20), "orders", columns=["id"])
    assert narrow.table.num_rows == 50
