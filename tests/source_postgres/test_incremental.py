"""Incremental reads: what is new, all of it, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import psycopg
import pytest
from fix_postgres import Database
from source_postgres_layouts import CHUNK, covered, read_until_drained, rows_in, rows_of
from source_postgres_sources import config_of, run, running_source, sessions_left
from towpath_sdk import ReadMode
from towpath_sdk.errors import Misconfigured, PositionLost
from towpath_sdk.testing import ConnectorUnderTest, ReadResult


@pytest.fixture
def connection(postgres_database: Database) -> Iterator[psycopg.Connection]:
    """The superuser's connection."""
    with postgres_database.connect() as connection:
        yield connection


@pytest.fixture
def config(postgres_database: Database) -> dict[str, Any]:
    """A configuration that divides tables into the smallest pieces."""
    return config_of(postgres_database, chunk_bytes=CHUNK)


@pytest.fixture
def source() -> Iterator[ConnectorUnderTest]:
    """A running source."""
    with running_source() as source:
        yield source


def read(
    source: ConnectorUnderTest, config: Mapping[str, Any], state: Any = None, cursor: str = "c", **more: Any
) -> ReadResult:
    return source.read(config, "public.t", ReadMode.INCREMENTAL, cursor_column=cursor, state=state, **more)


def ids(result: ReadResult) -> list[object]:
    """The `id` of each row read, sorted."""
    return sorted(cast("list[Any]", [row["id"] for row in result.rows]))


CURSORS = {
    "int2": "n::int2",
    "int4": "n - 100",
    "int8": "n * 4611686018427387",
    "numeric": "n / 7.0",
    "oid": "(n + 4294966000)::oid",
    "text": "'it''s \\ ' || chr(64 + n)",
    "varchar(20)": "lpad(n::text, 9, '0')",
    "uuid": "lpad(to_hex(n), 32, '0')::uuid",
    "date": "'0001-01-05 BC'::date + n",
    "timestamp": "'0001-01-01 00:00:00.000001 BC'::timestamp + n * interval '1 hour'",
    "timestamptz": "'2024-03-31 00:00+00'::timestamptz + n * interval '1 hour 1 microsecond'",
}


@pytest.mark.parametrize("declared", CURSORS)
@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
def test_second_run_moves_only_what_changed(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest, declared: str, key: str
) -> None:
    """The value of the cursor goes through the state as a text, whatever its type, and comes back the same."""
    run(
        connection,
        f"CREATE TABLE t (id int {key}, c {declared} NOT NULL);"
        f"INSERT INTO t SELECT n, {CURSORS[declared]} FROM generate_series(1, 12) AS n",
    )
    first = read(source, config, columns=["id"])
    idle = read(source, config, first.state, columns=["id"])
    run(
        connection,
        f"INSERT INTO t SELECT n, {CURSORS[declared]} FROM generate_series(13, 15) AS n;"
        f"UPDATE t SET c = (SELECT {CURSORS[declared]} FROM (SELECT 16 AS n) AS m) WHERE id = 3",
    )
    second = read(source, config, idle.state, columns=["id"])
    last = read(source, config, second.state, columns=["id"])
    assert ids(first) == list(range(1, 13))
    assert (ids(idle), idle.state) == ([], first.state)
    assert ids(second) == [3, 13, 14, 15]
    assert (ids(last), last.state) == ([], second.state)
    assert first.complete
    assert first.logs == []


def test_row_that_appears_late_at_the_last_value_is_delivered(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """Two transactions may write the same second; the slower one must not be lost, the faster one not be doubled."""
    run(
        connection,
        "CREATE TABLE t (a text, id int, c int, PRIMARY KEY (a, id));"
        "INSERT INTO t VALUES ('it''s', 1, 5), ('\\', 2, 7), ('{x,\"y\"}', 3, 7)",
    )
    first = read(source, config)
    run(connection, "INSERT INTO t VALUES ('', 4, 7), ('\\', 5, 7)")
    second = read(source, config, first.state)
    run(connection, "INSERT INTO t VALUES ('z', 6, 7), ('z', 7, 8)")
    third = read(source, config, second.state)
    assert [ids(first), ids(second), ids(third)] == [[1, 2, 3], [4, 5], [6, 7]]
    assert ids(read(source, config, third.state)) == []


def test_without_a_key_only_greater_values_follow(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """Nothing tells rows of one value apart, so the choice is between doubling and missing: documented, and tested."""
    run(connection, "CREATE TABLE t (id int, c int); INSERT INTO t VALUES (1, 5), (2, 5)")
    first = read(source, config)
    run(connection, "INSERT INTO t VALUES (3, 5), (4, 6)")
    assert [ids(first), ids(read(source, config, first.state))] == [[1, 2], [4]]


def test_rows_without_a_value_are_delivered_once_and_never_forgotten_in_silence(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """NULL is beyond no position: the first read takes such rows, later ones say that they are there."""
    run(connection, "CREATE TABLE t (id int PRIMARY KEY, c int); INSERT INTO t VALUES (1, NULL), (2, NULL), (3, 1)")
    first = read(source, config)
    second = read(source, config, first.state)
    run(connection, "INSERT INTO t VALUES (4, NULL), (5, 2)")
    third = read(source, config, second.state)
    assert [ids(first), ids(second), ids(third)] == [[1, 2, 3], [], [5]]
    assert [log.attributes.get("rows") for log in first.logs] == ["2"]
    assert [[log.attributes["column"] for log in result.logs] for result in (second, third)] == [["c"], ["c"]]


@pytest.mark.parametrize(
    ("declared", "endless"),
    [
        ("timestamptz", ["infinity"]),
        ("timestamp", ["infinity"]),
        ("date", ["infinity"]),
        ("numeric", ["Infinity", "NaN"]),
    ],
)
def test_cursor_at_infinity_does_not_end_the_stream(
    config: dict[str, Any],
    connection: psycopg.Connection,
    source: ConnectorUnderTest,
    declared: str,
    endless: list[str],
) -> None:
    """A `valid_until` of infinity would become the position, and nothing is beyond it ever again."""
    values = {"numeric": ["1", "2"]}.get(declared, ["2024-01-01", "2024-01-02"])
    insert = "INSERT INTO t VALUES (%s, %s)"
    run(connection, f"CREATE TABLE t (id int PRIMARY KEY, c {declared} NOT NULL)")
    for number, value in enumerate([values[0], *endless, f"-{endless[0]}"]):
        connection.execute(insert, [number, value])
    first = read(source, config | {"special_values": "string"})
    connection.execute(insert, [10, values[1]])
    second = read(source, config | {"special_values": "string"}, first.state)
    assert ids(first) == list(range(len(endless) + 2))
    assert ids(second) == [10]
    assert [log.attributes.get("rows") for log in first.logs] == [str(len(endless))]


def test_position_never_moves_back(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """Rows that are deleted at the end and restored from a backup are no news."""
    run(
        connection, "CREATE TABLE t (id int PRIMARY KEY, c int); INSERT INTO t SELECT n, n FROM generate_series(1, 5) n"
    )
    first = read(source, config)
    run(connection, "DELETE FROM t WHERE c > 2")
    second = read(source, config, first.state)
    run(connection, "INSERT INTO t VALUES (3, 3), (6, 6)")
    assert second.state == first.state
    assert ids(read(source, config, second.state)) == [6]


def test_empty_table_has_a_position_too(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """The first row that ever comes must be found by the second run."""
    run(connection, "CREATE TABLE t (id int PRIMARY KEY, c int NOT NULL)")
    first = read(source, config)
    second = read(source, config, first.state)
    run(connection, "INSERT INTO t VALUES (1, -2147483648)")
    assert (first.complete, first.rows, second.rows) == (True, [], [])
    assert first.schemas[0].names == ["id", "c"]
    assert ids(read(source, config, second.state)) == [1]


LARGE = {
    "one row a value": "n",
    "ten rows a value": "n / 10",
    "equal numbers that are written differently": "(n / 10)::numeric / CASE n % 2 WHEN 0 THEN 1.0 ELSE 1.000 END",
    "thousands of rows a value": "n / 2400",
}


@pytest.mark.parametrize("values", LARGE)
@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
def test_first_read_by_cursor_continues_from_every_checkpoint(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest, values: str, key: str
) -> None:
    """A large first read is worth most when it need not start over; a value is never divided between two pieces."""
    kind = "numeric" if "numbers" in values else "int"
    run(
        connection,
        f"CREATE TABLE t (id int {key}, c {kind}, filler text);"
        f"INSERT INTO t SELECT n, {LARGE[values]}, repeat('x', 60) FROM generate_series(1, 5000) AS n;"
        "INSERT INTO t VALUES (0, NULL, '')"
        ";CREATE INDEX ON t (c); ANALYZE t",
    )
    golden = read(source, config)
    assert ids(golden) == list(range(5001))
    assert len(golden.checkpoints) >= (2 if "thousands" in values else 5)
    for index, checkpoint in enumerate(golden.checkpoints):
        rest = read(source, config, checkpoint.state)
        assert sorted([row[0] for row in covered(golden, index)] + ids(rest)) == list(range(5001))


def test_changes_after_a_drain_are_delivered_after_it(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """Unlike a snapshot, the rest of an incremental read is of a later moment; each row comes in its newest version."""
    run(
        connection,
        "CREATE TABLE t (id int PRIMARY KEY, c int, v text);"
        "INSERT INTO t SELECT n, n, repeat('x', 60) FROM generate_series(1, 9000) AS n;"
        "CREATE INDEX ON t (c); ANALYZE t",
    )
    newest: dict[object, dict[str, object]] = {}
    state: Any = None
    rounds = 0
    with running_source(batch_bytes=1 << 14) as source:
        while True:
            result = read_until_drained(source, config, state, mode=ReadMode.INCREMENTAL, cursor_column="c")
            newest |= {row["id"]: row for row in result.rows}
            state = result.state
            if result.complete:
                break
            rounds += 1
            assert sessions_left(connection) == []
            if rounds <= 2:
                run(connection, f"UPDATE t SET v = 'round {rounds}', c = c + 20000 WHERE id % 100 = {rounds}")
    assert rounds >= 2
    assert sorted(tuple(row.values()) for row in newest.values()) == rows_in(connection)


def test_too_many_rows_at_one_value_are_named(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """The keys at the last value are part of the state, which must stay small; what that costs is said."""
    run(
        connection,
        "CREATE TABLE t (id int PRIMARY KEY, c int); INSERT INTO t SELECT generate_series(1, 10001), 1",
    )
    first = read(source, config)
    run(connection, "INSERT INTO t VALUES (0, 1), (10002, 2)")
    assert len(first.rows) == 10001
    assert ["too many rows" in log.message for log in first.logs] == [True]
    assert ids(read(source, config, first.state)) == [10002]


def test_many_keys_at_one_value_are_told_apart(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """A bulk load writes thousands of rows with one time; the next read must neither double them nor take forever."""
    run(
        connection,
        "CREATE TABLE t (id int PRIMARY KEY, c int); INSERT INTO t SELECT generate_series(1, 10000), 1",
    )
    first = read(source, config)
    run(connection, "INSERT INTO t SELECT n, 1 FROM generate_series(10001, 20000) n")
    second = read(source, config, first.state)
    assert ids(second) == list(range(10001, 20001))


def test_cursor_need_not_be_among_the_chosen_columns(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """Nor the key."""
    run(connection, "CREATE TABLE t (id int PRIMARY KEY, c int, v text); INSERT INTO t VALUES (1, 1, 'a')")
    first = read(source, config, columns=["v"])
    run(connection, "INSERT INTO t VALUES (2, 2, 'b'), (3, 1, 'c')")
    assert rows_of(first) == [("a",)]
    assert rows_of(read(source, config, first.state, columns=["v"])) == [("b",), ("c",)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW t AS SELECT * FROM base",
        "CREATE MATERIALIZED VIEW t AS SELECT * FROM base",
        """
        CREATE TABLE t (id int, c int) PARTITION BY RANGE (c);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5);
        CREATE TABLE t2 PARTITION OF t DEFAULT;
        INSERT INTO t SELECT * FROM base;
        CREATE INDEX ON t (c)
        """,
    ],
)
def test_views_and_partitions_are_read_incrementally(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest, statement: str
) -> None:
    """What has a column that grows can be read by it."""
    run(connection, f"CREATE TABLE base AS SELECT n AS id, n AS c FROM generate_series(1, 9000) n; {statement}")
    first = read(source, config)
    assert ids(first) == list(range(1, 9001))
    assert ids(read(source, config, first.state)) == []


@pytest.mark.parametrize("bad", ["j", "a", "f", ""])
def test_unusable_cursor_is_named_with_the_choices(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest, bad: str
) -> None:
    """The user picks again from what is there."""
    run(connection, "CREATE TABLE t (id int, j json, a int[], f float8, c date)")
    with pytest.raises(Misconfigured, match="choose one of: id, c") as failure:
        read(source, config, cursor=bad)
    assert failure.value.reason == ("UNUSABLE_CURSOR" if bad else "CURSOR_MISSING")
    assert list(failure.value.fields) == ["cursor_column"]


def test_unknown_cursor_is_named(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """A column that was renamed after the connection was made."""
    run(connection, "CREATE TABLE t (id int)")
    with pytest.raises(Misconfigured, match="choose one of: id") as failure:
        read(source, config, cursor="updated_at")
    assert failure.value.reason == "UNKNOWN_COLUMN"


def test_state_of_another_cursor_or_mode_needs_a_refresh(
    config: dict[str, Any], connection: psycopg.Connection, source: ConnectorUnderTest
) -> None:
    """A position of one column says nothing about another."""
    run(connection, "CREATE TABLE t (id int PRIMARY KEY, c int); INSERT INTO t VALUES (1, 1)")
    state = read(source, config).state
    with pytest.raises(PositionLost, match="refresh") as by_cursor:
        read(source, config, state, cursor="id")
    with pytest.raises(PositionLost, match="refresh") as by_mode:
        source.read(config, "public.t", state=state)
    assert (by_cursor.value.reason, by_mode.value.reason) == ("OTHER_CURSOR", "OTHER_READ_MODE")
