"""States: what is stored is understood again, and nothing else is taken for a position."""

from __future__ import annotations

from typing import Any

import pytest
from fix_postgres import Database
from source_postgres_sources import config_of, run, running_source
from towpath_sdk import ReadMode
from towpath_sdk.errors import PositionLost
from towpath_source_postgres.state import (
    BlockPosition,
    CursorPosition,
    KeyPosition,
    Position,
    checkpoint,
    parse_position,
)

POSITIONS = [
    KeyPosition(("1", "it's \\ ☃"), ("a", "b"), "00000003-1"),
    BlockPosition(0, "00000003-1"),
    CursorPosition("c", None, None),
    CursorPosition("c", "", ()),
    CursorPosition("c", "2024-01-01 00:00:00+00", (("1", "x"), ("2", "y"))),
]
KEY = {"kind": "key", "key": ["1"], "columns": ["a"], "snapshot": "s"}
CURSOR = {"kind": "cursor", "column": "c", "value": "1", "seen": [["1"]]}
DAMAGED = [
    b"\x00\x01",
    b"[]",
    {"kind": "slot"},
    {"key": ["1"]},
    {"kind": ["key"]},
    KEY | {"key": "1"},
    KEY | {"key": [1]},
    KEY | {"key": []},
    KEY | {"columns": ["a", "b"]},
    KEY | {"snapshot": None},
    {"kind": "key"},
    {"kind": "block", "block": "7", "snapshot": "s"},
    {"kind": "block", "block": -1, "snapshot": "s"},
    {"kind": "block", "block": True, "snapshot": "s"},
    CURSOR | {"value": 1},
    CURSOR | {"seen": ["1"]},
    CURSOR | {"seen": {"a": 1}},
    {"kind": "cursor", "column": "c"},
]


@pytest.mark.parametrize("position", POSITIONS, ids=str)
def test_position_comes_back_from_its_state(position: Position) -> None:
    """A position that changes on the way skips rows or doubles them."""
    stored = checkpoint(position)
    assert parse_position(stored.state, stored.version) == position


@pytest.mark.parametrize("nothing", [None, {}, b""])
def test_no_state_is_the_beginning(nothing: Any) -> None:
    """The first run of a stream."""
    assert parse_position(nothing, 0) is None


@pytest.mark.parametrize("state", DAMAGED, ids=str)
def test_damaged_state_needs_a_refresh(state: Any) -> None:
    """Guessing a position would lose rows in silence; a refresh costs time only."""
    with pytest.raises(PositionLost, match="refresh the stream") as failure:
        parse_position(state, 1)
    assert failure.value.needs_reset


def test_state_of_another_version_needs_a_refresh() -> None:
    """A connector that was downgraded must not misread what a newer one stored."""
    with pytest.raises(PositionLost) as failure:
        parse_position(checkpoint(POSITIONS[0]).state, 2)
    assert failure.value.reason == "UNKNOWN_STATE"


def test_read_from_a_damaged_state_is_refused(postgres_database: Database) -> None:
    """Before anything is asked of the database, in every mode."""
    with postgres_database.connect() as connection:
        run(connection, "CREATE TABLE t (c int PRIMARY KEY)")
    with running_source() as source:
        for mode, state in [(ReadMode.SNAPSHOT, b"\x00\x01"), (ReadMode.INCREMENTAL, CURSOR | {"value": 1})]:
            with pytest.raises(PositionLost):
                source.read(config_of(postgres_database), "public.t", mode, cursor_column="c", state=state)


def test_key_that_changed_needs_a_refresh(postgres_database: Database) -> None:
    """A position by a key that is no more says nothing."""
    with postgres_database.connect() as connection, running_source() as source:
        run(connection, "CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))")
        with pytest.raises(PositionLost) as failure:
            source.read(config_of(postgres_database), "public.t", state=KEY)
    assert failure.value.reason == "KEY_CHANGED"


def test_no_secret_gets_into_a_state_or_a_log(postgres_database: Database) -> None:
    """States are stored beside data, logs are shown to many."""
    secret = postgres_database.password
    with postgres_database.connect() as connection, running_source() as source:
        run(connection, "CREATE TABLE t AS SELECT 1 AS c, 'NaN'::numeric(3,1) AS n")
        result = source.read(
            config_of(postgres_database, special_values="null"), "public.t", ReadMode.INCREMENTAL, cursor_column="c"
        )
    assert result.logs != []
    assert secret not in str(result.messages)
