"""Snapshots: every row once, as of one moment, from wherever the read has to continue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
from fix_postgres import Database
from source_postgres_layouts import CHUNK, LAYOUTS, covered, read_until_drained, rows_in, rows_of
from source_postgres_sources import config_of, run, running_source, secure_url, sessions_left
from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk.errors import Conflict, PositionLost
from towpath_sdk.testing import ReadResult

CHANGES = """
INSERT INTO t SELECT n, 'new', 'new' FROM generate_series(-10, -1) AS n ON CONFLICT DO NOTHING;
INSERT INTO t SELECT n, 'new', 'new' FROM generate_series(20000, 20010) AS n ON CONFLICT DO NOTHING;
UPDATE t SET filler = 'changed' WHERE a % 10 = 7;
DELETE FROM t WHERE a % 10 = 8;
"""
"""At both ends and in the middle."""

by_key = [name for name, (_, kind) in LAYOUTS.items() if kind == "key"]
by_block = [name for name, (_, kind) in LAYOUTS.items() if kind == "block"]
changeable = [name for name in (*by_key, *by_block) if "materialized" not in name]


@pytest.fixture
def connection(postgres_database: Database) -> Iterator[psycopg.Connection]:
    """The superuser's connection."""
    with postgres_database.connect() as connection:
        yield connection


@pytest.fixture
def config(postgres_database: Database) -> dict[str, Any]:
    """A configuration that divides tables into the smallest pieces."""
    return config_of(postgres_database, chunk_bytes=CHUNK)


def kinds(result: ReadResult) -> set[object]:
    """The kinds of the positions in a result's checkpoints."""
    states = [checkpoint.state for checkpoint in result.checkpoints]
    return {cast("dict[str, object]", state)["kind"] for state in states if state is not None}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_row_is_delivered_once_whatever_the_layout(
    config: dict[str, Any], connection: psycopg.Connection, layout: str
) -> None:
    """Pieces that overlap double rows, pieces with a gap lose them."""
    statements, kind = LAYOUTS[layout]
    run(connection, statements)
    with running_source() as source:
        result = source.read(config, "public.t")
    assert result.complete
    assert rows_of(result) == rows_in(connection)
    assert kinds(result) == ({kind} if kind else set())
    assert len(result.checkpoints) >= 5 if kind else len(result.checkpoints) == 1
    assert sessions_left(connection) == []


@pytest.mark.parametrize("layout", by_key)
def test_read_by_key_continues_from_every_checkpoint_in_another_process(
    config: dict[str, Any], connection: psycopg.Connection, layout: str
) -> None:
    """After a crash there is only the state: what it covers and what follows must make up the table."""
    run(connection, LAYOUTS[layout][0])
    with running_source() as source:
        golden = source.read(config, "public.t")
    for index, checkpoint in enumerate(golden.checkpoints[:-1]):
        with running_source() as another:
            rest = another.read(config, "public.t", state=checkpoint.state)
        assert sorted([*covered(golden, index), *rows_of(rest)]) == rows_of(golden)
        assert [log.attributes["stream"] for log in rest.logs] == ["public.t"]
        # A rest that were divided into as many pieces as the whole would come down to single rows.
        assert len(rest.checkpoints) == len(golden.checkpoints) - index - 1


@pytest.mark.parametrize("layout", by_block)
def test_read_by_block_is_lost_in_another_process(
    config: dict[str, Any], connection: psycopg.Connection, layout: str
) -> None:
    """Under another snapshot a block range misses live rows and keeps dead ones: better to start over."""
    run(connection, LAYOUTS[layout][0])
    with running_source() as source:
        golden = source.read(config, "public.t")
    with running_source() as another:
        for checkpoint in (golden.checkpoints[0], golden.checkpoints[-2]):
            with pytest.raises(PositionLost) as failure:
                another.read(config, "public.t", state=checkpoint.state)
            assert failure.value.reason == "SNAPSHOT_GONE"


@pytest.mark.parametrize("layout", changeable)
def test_changes_between_pieces_do_not_leak_into_the_snapshot(
    config: dict[str, Any], connection: psycopg.Connection, layout: str
) -> None:
    """A read that is drained and resumed by the same process goes on under the snapshot that it began with."""
    run(connection, LAYOUTS[layout][0])
    golden = rows_in(connection)
    taken: list[tuple[Any, ...]] = []
    states: list[Any] = []
    with running_source(batch_bytes=1 << 14) as source:
        while True:
            result = read_until_drained(source, config, states[-1] if states else None)
            taken += rows_of(result)
            assert result.logs == []
            if result.complete:
                break
            assert covered(result, -1) == [tuple(row.values()) for row in result.rows]
            assert [state for _, state, _ in sessions_left(connection, 1)] == ["idle in transaction"]
            states.append(result.state)
            run(connection, CHANGES)
    assert states  # how often it is drained before its end depends on how fast it is
    assert sorted(taken) == golden
    assert rows_in(connection) != golden
    assert sessions_left(connection) == []


@pytest.mark.parametrize("layout", ["key ranges", "block ranges without a key"])
def test_snapshot_that_no_checkpoint_names_is_not_kept(
    config: dict[str, Any], connection: psycopg.Connection, postgres_database: Database, layout: str
) -> None:
    """Nobody can come back for it; kept, it would lock the table against every ALTER for two minutes."""
    run(connection, LAYOUTS[layout][0])
    with running_source() as source, postgres_database.connect() as other:
        run(other, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        session = source.open_read(config, ReadStream(StreamName("public", "t"), ReadMode.SNAPSHOT))
        session.drain()
        assert len(sessions_left(connection, 1)) == 1
        run(other, "COMMIT")
        for _ in session:
            pass
        session.half_close()
        assert session.receive() is None
        (result,) = session.results
        assert (result.complete, result.batches, result.checkpoints) == (False, [], [])
        assert sessions_left(connection) == []


@pytest.mark.parametrize("layout", ["key ranges", "block ranges without a key"])
def test_snapshot_that_ended_is_noticed(config: dict[str, Any], connection: psycopg.Connection, layout: str) -> None:
    """The session that keeps it may be terminated while nobody looks: by key the read goes on, by block it cannot."""
    run(connection, LAYOUTS[layout][0])
    golden = rows_in(connection)
    with running_source(batch_bytes=1 << 14) as source:
        begun = read_until_drained(source, config)
        assert not begun.complete
        ((keeper, *_),) = sessions_left(connection, 1)
        run(connection, f"SELECT pg_terminate_backend({keeper}, 5000)")
        if layout == "key ranges":
            rest = source.read(config, "public.t", state=begun.state)
            assert sorted([*rows_of(begun), *rows_of(rest)]) == golden
            assert [log.message.startswith("the snapshot ended") for log in rest.logs] == [True]
        else:
            with pytest.raises(PositionLost) as failure:
                source.read(config, "public.t", state=begun.state)
            assert failure.value.reason == "SNAPSHOT_GONE"
    assert sessions_left(connection) == []


@pytest.mark.parametrize(
    ("layout", "statement"),
    [
        ("block ranges without a key", "VACUUM FULL t"),
        ("key ranges", "TRUNCATE t"),
        ("key ranges over partitions", "TRUNCATE t4"),
        ("block ranges of a materialized view", "REFRESH MATERIALIZED VIEW t"),
    ],
)
def test_table_cannot_be_rewritten_while_its_snapshot_lives(
    config: dict[str, Any], connection: psycopg.Connection, layout: str, statement: str
) -> None:
    """Rewriting moves rows to other blocks, and a truncated table looks empty to every snapshot."""
    run(connection, LAYOUTS[layout][0])
    golden = rows_in(connection)
    with running_source(batch_bytes=1 << 14) as source:
        begun = read_until_drained(source, config)
        run(connection, "SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            run(connection, statement)
        rest = source.read(config, "public.t", state=begun.state)
    assert sorted([*rows_of(begun), *rows_of(rest)]) == golden
    run(connection, statement)


def test_read_by_key_continues_after_the_table_was_rewritten(
    config: dict[str, Any], connection: psycopg.Connection
) -> None:
    """A key means the same wherever its row lies."""
    run(connection, LAYOUTS["key ranges"][0])
    with running_source() as source:
        golden = source.read(config, "public.t")
    run(connection, "VACUUM FULL t")
    with running_source() as source:
        rest = source.read(config, "public.t", state=golden.checkpoints[1].state)
    assert sorted([*covered(golden, 1), *rows_of(rest)]) == rows_of(golden)


KEYS = {
    "numeric": "(n / 7.0 - 100)::numeric",
    "uuid": "lpad(to_hex(n), 32, '0')::uuid",
    "timestamptz": "'2024-03-31 00:00+00'::timestamptz + n * interval '1 minute'",
    "timestamp": "'0002-01-01 BC'::timestamp + n * interval '1 day'",
    "date": "'0002-01-01 BC'::date + n",
    "time": "'00:00'::time + n * interval '1 second'",
    "bytea": "int4send(n) || '\\x5c27'",
    "float8": "CASE n WHEN 1 THEN '-Infinity' WHEN 5000 THEN 'NaN' ELSE exp(n / 100.0) END",
    "float4": "n / 3.0",
    "char(9)": "lpad(n::text, 8, '0')",
    "text": "chr(9731) || 'it''s \\\\ %s ' || lpad(n::text, 5, '0')",
    "inet": "'10.0.0.0'::inet + n",
    "oid": "(n + 4294960000)::oid",
    "int8": "n - 9223372036854775807",
    "label": "(enum_range(NULL::label))[n % 30 + 1]",
}


@pytest.mark.parametrize("declared", KEYS)
def test_keys_of_every_orderly_type_divide_a_table(
    config: dict[str, Any], connection: psycopg.Connection, declared: str
) -> None:
    """A key travels through the state as a text, and must come back as the same value."""
    labels = ", ".join(f"'label {n:02}''\\'" for n in range(30))
    run(
        connection,
        f"CREATE TYPE label AS ENUM ({labels});"
        f"CREATE TABLE t (k {declared}, n int, filler text, PRIMARY KEY (k, n));"
        f"INSERT INTO t SELECT {KEYS[declared]}, n, repeat('x', 30) FROM generate_series(1, 5000) AS n ORDER BY 1;"
        "ANALYZE t",
    )
    wanted = run(connection, "SELECT n FROM t ORDER BY k, n")
    with running_source() as source:
        golden = source.read(config, "public.t", columns=["n"])
        assert kinds(golden) == {"key"}
        assert sorted(rows_of(golden)) == sorted(wanted)
        for index, checkpoint in enumerate(golden.checkpoints[:-1]):
            rest = source.read(config, "public.t", columns=["n"], state=checkpoint.state)
            assert sorted([*covered(golden, index), *rows_of(rest)]) == sorted(wanted)


def test_key_of_an_extension_does_not_divide_a_table(debian_database: Database) -> None:
    """With the extension's operators out of sight `citext > 'a'` compares as text, unlike the index: rows get lost."""
    with psycopg.connect(secure_url(debian_database), autocommit=True) as connection, running_source() as source:
        run(
            connection,
            "CREATE EXTENSION citext; CREATE TABLE t (k citext PRIMARY KEY, filler text);"
            "INSERT INTO t SELECT CASE n % 2 WHEN 0 THEN 'a' ELSE 'B' END || n, repeat('x', 60)"
            " FROM generate_series(1, 9000) AS n ORDER BY 1; ANALYZE t",
        )
        result = source.read(config_of(debian_database, sslmode="require", chunk_bytes=CHUNK), "public.t")
        assert kinds(result) == {"block"}
        assert rows_of(result) == rows_in(connection)


def test_chosen_columns_come_in_the_chosen_order(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """Also without the key by which the table is divided."""
    run(connection, LAYOUTS["key ranges"][0])
    with running_source() as source:
        result = source.read(config, "public.t", columns=["filler", "b"])
    assert result.table.schema.names == ["filler", "b"]
    assert result.primary_keys == [()]
    assert rows_of(result) == rows_in(connection, "SELECT filler, b FROM t")


def test_empty_table_has_a_schema_and_a_key(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """A destination creates an empty file or table, not nothing."""
    run(connection, "CREATE TABLE t (id int PRIMARY KEY, price numeric(10,2), tags text[])")
    with running_source() as source:
        (stream,) = source.discover(config)
        result = source.read(config, "public.t")
    assert result.complete
    assert result.rows == []
    assert result.schemas == [stream.arrow_schema]
    assert result.primary_keys == [("id",)]


@pytest.mark.parametrize("declared", ["int", "int[]", "interval"])
def test_table_of_1600_columns_is_read(config: dict[str, Any], connection: psycopg.Connection, declared: str) -> None:
    """The most that PostgreSQL allows; guards of arrays must not make the SELECT list longer than it may be."""
    columns = ", ".join(f"c{n} {declared}" for n in range(1600))
    value = {"int": "1599", "int[]": "'{1,2}'", "interval": "'1 day'"}[declared]
    run(connection, f"CREATE TABLE t ({columns}); INSERT INTO t (c0, c1599) VALUES (NULL, {value})")
    with running_source() as source:
        (row,) = source.read(config, "public.t").rows
    assert len(row) == 1600
    assert [name for name, cell in row.items() if cell is not None] == ["c1599"]


def test_value_of_100_megabytes_passes(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """Nothing is skipped for its size, and the rows around it are not harmed."""
    run(
        connection,
        "CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'before');"
        "INSERT INTO t SELECT 2, repeat('0123456789', 10000000); INSERT INTO t VALUES (3, 'after')",
    )
    with running_source() as source:
        before, large, after = source.read(config_of_whole(config), "public.t").table["v"].to_pylist()
    assert (before, after) == ("before", "after")
    assert large == "0123456789" * 10_000_000


def config_of_whole(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with pieces of usual size."""
    return {name: value for name, value in config.items() if name != "chunk_bytes"}


def test_materialized_view_without_data_has_to_be_refreshed(
    config: dict[str, Any], connection: psycopg.Connection
) -> None:
    """It is not empty: it is not there yet, and the user can change that."""
    run(connection, "CREATE MATERIALIZED VIEW t AS SELECT 1 AS a WITH NO DATA")
    with running_source() as source:
        with pytest.raises(Conflict, match="refreshed") as failure:
            source.read(config, "public.t")
        assert failure.value.reason == "NOT_READY"
        run(connection, "REFRESH MATERIALIZED VIEW t")
        assert source.read(config, "public.t").rows == [{"a": 1}]


def test_view_that_fails_on_a_row_names_the_failure(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """The data end with an error after a million good rows, never early without one."""
    run(connection, "CREATE VIEW t AS SELECT 1 / (n - 1900000) AS a FROM generate_series(1, 2000000) AS n")
    with running_source() as source:
        result = source.read(config, "public.t", may_fail=True)
    assert 0 < result.num_rows < 1_900_000
    assert result.failure is not None
    assert (result.failure.kind.value, result.failure.reason) == ("BadRecord", "UNREADABLE_VALUE")
    assert "division by zero" in result.failure.message
