"""A read continues from every checkpoint exactly where it was left, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from towpath_sdk import PositionLost, ReadMode, ReadStream, StreamName
from towpath_sdk.testing import ConnectorUnderTest

CONFIG: dict[str, Any] = {
    "seed": 7,
    "rows": 43,
    "batch_rows": 5,
    "checkpoint_rows": 7,
    "changes": {"day": 3, "inserts": 4, "updates": 6},
}
READS = [("customers", ReadMode.SNAPSHOT), ("customers", ReadMode.INCREMENTAL), ("types", ReadMode.SNAPSHOT)]


@pytest.mark.parametrize(("stream", "mode"), READS)
def test_resume_from_every_checkpoint_is_the_rest_of_the_read(
    faker: ConnectorUnderTest, stream: str, mode: ReadMode
) -> None:
    """Whatever is killed, no row is missed and none comes twice."""
    golden = faker.read(CONFIG, stream, mode)
    assert len(golden.checkpoints) >= 7
    covered = 0
    for checkpoint in golden.checkpoints:
        covered += checkpoint.rows
        rest = faker.read(CONFIG, stream, mode, state=checkpoint.state)
        assert repr(rest.rows) == repr(golden.rows[covered:])
    assert covered == golden.num_rows


def test_resume_within_a_split_stays_within_it(faker: ConnectorUnderTest) -> None:
    """A split that goes on beyond its end would repeat the rows of the next one."""
    (_, split, _) = faker.plan(CONFIG, "orders", target_splits=3)
    golden = faker.read(CONFIG, "orders", split=split)
    assert len(golden.checkpoints) >= 2
    covered = 0
    for checkpoint in golden.checkpoints:
        covered += checkpoint.rows
        rest = faker.read(CONFIG, "orders", split=split, state=checkpoint.state)
        assert rest.rows == golden.rows[covered:]


def test_snapshot_goes_on_as_of_the_day_on_which_it_began(faker: ConnectorUnderTest) -> None:
    """Rows of two days in one snapshot would be a state that never was."""
    golden = faker.read(CONFIG, "orders")
    later = {**CONFIG, "changes": {**CONFIG["changes"], "day": 5}}
    middle = golden.checkpoints[2]
    covered = sum(checkpoint.rows for checkpoint in golden.checkpoints[:3])
    assert faker.read(later, "orders", state=middle.state).rows == golden.rows[covered:]


def test_drain_stops_early_with_a_checkpoint_that_continues(faker: ConnectorUnderTest) -> None:
    """A deployment ends reads in their middle, all day long."""
    config = {**CONFIG, "rows": 10_000, "latency_seconds": 0.02}
    session = faker.open_read(config, ReadStream(StreamName("", "orders"), ReadMode.SNAPSHOT))
    for response in session:
        if response.WhichOneof("message") == "batch":
            session.drain()
        if response.HasField("checkpoint"):
            session.ack(response.checkpoint.checkpoint_seq)
    (result,) = session.results
    assert not result.complete
    assert result.failure is None
    assert 0 < result.num_rows < 1000
    rest = faker.read({**CONFIG, "rows": 10_000}, "orders", state=result.state)
    assert [row["id"] for row in rest.rows] == list(range(result.num_rows + 1, 10_013))


GOOD = {"mode": "snapshot", "next": 7, "day": 0, "world": "7 43+4~6"}


@pytest.mark.parametrize(
    ("state", "version", "reason"),
    [
        (GOOD, 2, "UNKNOWN_STATE"),
        (b"\x00\xffnot ours", 1, "UNKNOWN_STATE"),
        ({**GOOD, "next": -1}, 1, "DAMAGED_STATE"),
        ({**GOOD, "next": 7.0}, 1, "DAMAGED_STATE"),
        ({**GOOD, "next": True}, 1, "DAMAGED_STATE"),
        ({**GOOD, "day": 10**9}, 1, "DAMAGED_STATE"),
        ({**GOOD, "more": 1}, 1, "DAMAGED_STATE"),
        ({"next": 7}, 1, "DAMAGED_STATE"),
        ({**GOOD, "mode": "incremental"}, 1, "OTHER_MODE"),
        ({**GOOD, "world": "8 43+4~6"}, 1, "OTHER_WORLD"),
        ({**GOOD, "next": 44}, 1, "BEYOND_THE_END"),
    ],
)
def test_state_that_leads_nowhere_needs_a_reset(
    faker: ConnectorUnderTest, state: Mapping[str, object] | bytes, version: int, reason: str
) -> None:
    """Going on from a wrong place would lose rows in silence; only a refresh helps, and the platform must know."""
    assert faker.read(CONFIG, "orders", state=GOOD).num_rows == 36
    with pytest.raises(PositionLost) as lost:
        faker.read(CONFIG, "orders", state=state, state_version=version)
    assert (lost.value.reason, lost.value.needs_reset) == (reason, True)


def test_time_that_went_back_needs_a_reset(faker: ConnectorUnderTest) -> None:
    """As when a database was restored from a backup: the position lies in a future that there is not."""
    state = faker.read(CONFIG, "orders", ReadMode.INCREMENTAL).state
    earlier = {**CONFIG, "changes": {**CONFIG["changes"], "day": 1}}
    with pytest.raises(PositionLost, match="beyond the end"):
        faker.read(earlier, "orders", ReadMode.INCREMENTAL, state=state)
