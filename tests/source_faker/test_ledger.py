"""The ledger stands for a remote system that forgets what was acknowledged, and nothing before that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk.testing import ConnectorUnderTest
from towpath_source_faker.ledger import Ledger


def _config(folder: Path, **more: Any) -> dict[str, Any]:
    return {"seed": 1, "rows": 30, "checkpoint_rows": 10, "ledger": str(folder / "ledger.json"), **more}


def test_only_an_acknowledgement_moves_the_ledger(faker: ConnectorUnderTest, tmp_path: Path) -> None:
    """What is let go of before it is durable elsewhere is lost with the next crash."""
    config, ledger = _config(tmp_path), Ledger(tmp_path / "ledger.json")
    session = faker.open_read(config, ReadStream(StreamName("", "orders"), ReadMode.INCREMENTAL))
    for _ in session:
        pass
    assert session.results[0].complete
    assert session.wants_acks
    assert ledger.held() == {"orders": 30}
    session.ack(2)
    session.half_close()
    while session.receive() is not None:
        pass
    assert ledger.held() == {"orders": 10}


def test_whole_read_holds_nothing_and_a_new_one_holds_all_again(faker: ConnectorUnderTest, tmp_path: Path) -> None:
    """The next read from the start needs everything again."""
    config, ledger = _config(tmp_path), Ledger(tmp_path / "ledger.json")
    state = faker.read(config, "orders", ReadMode.INCREMENTAL).state
    assert ledger.held() == {}
    later = {**config, "changes": {"day": 1, "inserts": 3, "updates": 4}}
    state_of_later_world = faker.read(later, "customers", ReadMode.INCREMENTAL, acknowledge=False).state
    assert ledger.held() == {"customers": 37}
    assert (state, state_of_later_world) != (None, None)
    faker.read(later, "customers", ReadMode.INCREMENTAL)
    assert ledger.held() == {}


def test_splits_are_held_one_by_one(faker: ConnectorUnderTest, tmp_path: Path) -> None:
    """One part that is acknowledged says nothing of the others."""
    config, ledger = _config(tmp_path), Ledger(tmp_path / "ledger.json")
    first, second = faker.plan(config, "orders", target_splits=2)
    faker.read(config, "orders", split=first)
    faker.read(config, "orders", split=second, acknowledge=False)
    assert ledger.held() == {f"orders {second.split_id}": 15}


def test_ledger_that_cannot_be_used_is_found_by_the_check_and_changed_by_none(
    faker: ConnectorUnderTest, tmp_path: Path
) -> None:
    """A check that creates the file would hide that nobody else can."""
    config = _config(tmp_path)
    assert [result.failure for result in faker.check(config)] == [None, None, None]
    assert list(tmp_path.iterdir()) == []
    for unusable in (_config(tmp_path / "nowhere"), config):
        (tmp_path / "ledger.json").write_text("[")
        (failed,) = [result for result in faker.check(unusable) if result.failure is not None]
        assert failed.probe == "ledger"
        result = faker.read(unusable, "orders", may_fail=True)
        assert result.failure is not None
        assert result.failure.reason == "UNUSABLE_LEDGER"


def test_ledger_is_never_seen_half_written(tmp_path: Path) -> None:
    """A reader may look at any time."""
    ledger = Ledger(tmp_path / "ledger.json")
    ledger.hold("a", 0, 10)
    ledger.release("a", 7)
    ledger.release("a", 3)
    assert json.loads((tmp_path / "ledger.json").read_text()) == {"a": {"acknowledged": 7, "end": 10}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.json", "ledger.json.lock"]
