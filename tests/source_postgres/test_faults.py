"""What goes wrong in the middle: its kind, how soon it is over, and that nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast

import psycopg
import pytest
from fix_postgres import FAST_SETTINGS, Database
from source_postgres_layouts import CHUNK, LAYOUTS, covered, read_until_drained, rows_in, rows_of
from source_postgres_sources import config_of, run, running_source, sessions_left
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk.errors import Misconfigured, NotFound, TowpathError, Unavailable
from towpath_sdk.testing import ConnectorUnderTest, ReadResult, ReadSession
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.sessions import open_data_session

ENDLESS = "CREATE VIEW t AS SELECT generate_series(1, 2000000000) AS a, repeat('x', 1000) AS b"
"""More rows than any buffer holds: a read of it streams until it is stopped. A set in FROM would be gathered first."""
SILENT = "CREATE VIEW t AS SELECT n AS a, pg_sleep(600)::text AS b FROM generate_series(1, 10) AS n"
"""The server works and says nothing."""
CANCEL_SECONDS = 5.0


@pytest.fixture
def connection(postgres_database: Database) -> Iterator[psycopg.Connection]:
    """The superuser's connection."""
    with postgres_database.connect() as connection:
        yield connection


@pytest.fixture
def config(postgres_database: Database) -> dict[str, Any]:
    """The usual configuration."""
    return config_of(postgres_database)


def opened(source: ConnectorUnderTest, config: dict[str, Any], cursor: str = "", state: Any = None) -> ReadSession:
    """Open a read of `t`, incremental if a cursor is given."""
    mode = ReadMode.INCREMENTAL if cursor else ReadMode.SNAPSHOT
    return source.open_read(
        config, ReadStream(StreamName("public", "t"), mode, cursor_column=cursor, state=state, state_version=1)
    )


def up_to_first(session: ReadSession, kind: str) -> None:
    """Take messages up to the first of a kind."""
    while True:
        response = session.receive()
        assert response is not None
        if response.WhichOneof("message") == kind:
            return


def to_the_end(session: ReadSession) -> ReadResult:
    """Take the rest of a read, and acknowledge its checkpoints."""
    for response in session:
        if response.WhichOneof("message") == "checkpoint":
            session.ack(response.checkpoint.checkpoint_seq)
    session.half_close()
    (result,) = session.results
    return result


def waits(connection: psycopg.Connection, condition: str) -> None:
    """Return as soon as a session of the source meets a condition on pg_stat_activity."""
    deadline = time.monotonic() + 10
    query = "SELECT query, wait_event FROM pg_stat_activity WHERE application_name = 'towpath'"
    while not run(connection, f"{query} AND datname = current_database() AND {condition}"):
        assert time.monotonic() < deadline, run(connection, query)
        time.sleep(0.02)


def data_session(connection: psycopg.Connection) -> int:
    """The server process that sends the rows: the younger one of a read's two, since the keeper comes first."""
    _, (pid, *_) = sessions_left(connection, 2)
    return pid


def failed(result: ReadResult) -> tuple[type[TowpathError], str]:
    """The kind and reason of a read's failure."""
    assert result.failure is not None
    return type(result.failure), result.failure.reason


def test_terminated_backend_is_an_outage(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """An administrator, a failover, a restart: the next attempt may succeed."""
    run(connection, SILENT)
    with running_source() as source:
        session = opened(source, config)
        waits(connection, "wait_event = 'PgSleep'")
        run(connection, f"SELECT pg_terminate_backend({data_session(connection)})")
        assert failed(to_the_end(session)) == (Unavailable, "SERVER_STOPPED_SESSION")


def test_snapshot_whose_keeper_was_terminated_is_an_outage(
    config: dict[str, Any], connection: psycopg.Connection, postgres_database: Database
) -> None:
    """The server knows no such snapshot any more; that must not look like a mistake of the user, which ends the job."""
    parsed = PostgresConfig.model_validate(config)
    with closing(postgres_database.connect()) as keeper:  # its end is no commit
        run(keeper, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ((snapshot,),) = keeper.execute("SELECT pg_export_snapshot()").fetchall()
        run(connection, f"SELECT pg_terminate_backend({keeper.info.backend_pid}, 10000)")
        with (
            pytest.raises(Unavailable) as gone,
            open_data_session(parsed, snapshot, connection.info.server_version),
        ):
            pass
        assert gone.value.reason == "SERVER_STOPPED_SESSION"


def test_connection_that_ends_between_rows_is_an_outage(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """Never a silent end. A server that is busy sending may get no last word in, so that the reason varies."""
    run(connection, ENDLESS)
    with running_source() as source:
        session = opened(source, config)
        up_to_first(session, "batch")
        run(connection, f"SELECT pg_terminate_backend({data_session(connection)})")
        kind, reason = failed(to_the_end(session))
    assert kind is Unavailable
    assert reason in {"SERVER_STOPPED_SESSION", "CONNECTION_LOST"}


def test_cancelled_statement_is_an_outage(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """Somebody at the server cancelled it, not the user of the sync: the sync must not look cancelled."""
    run(connection, ENDLESS)
    with running_source() as source:
        session = opened(source, config)
        up_to_first(session, "batch")
        run(connection, f"SELECT pg_cancel_backend({data_session(connection)})")
        assert failed(to_the_end(session)) == (Unavailable, "STATEMENT_CANCELLED")


def test_crash_of_the_server_is_an_outage(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Then there is no code at all, only a connection that breaks."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("crash"), settings=FAST_SETTINGS) as server:
        database = Database(server, "postgres")
        with database.connect() as connection:
            run(connection, ENDLESS)
        with running_source() as source:
            session = opened(source, config_of(database))
            up_to_first(session, "batch")
            server.kill()
            assert failed(to_the_end(session))[0] is Unavailable


def test_read_whose_connection_broke_resumes_under_the_same_snapshot(
    config: dict[str, Any], connection: psycopg.Connection
) -> None:
    """Only the data connection is gone; its snapshot lives on, and blocks mean what they meant.

    The table is larger than all buffers together, so that the read is not over when its connection breaks.
    """
    run(connection, LAYOUTS["block ranges without a key"][0])
    run(connection, "UPDATE t SET filler = repeat('y', 8000)")
    golden = rows_in(connection)
    with running_source(batch_bytes=1 << 14) as source:
        session = opened(source, config | {"chunk_bytes": CHUNK})
        up_to_first(session, "checkpoint")
        run(connection, f"SELECT pg_terminate_backend({data_session(connection)})")
        begun = to_the_end(session)
        assert failed(begun)[0] is Unavailable
        run(
            connection,
            "DELETE FROM t WHERE a % 2 = 0; INSERT INTO t SELECT 0, 'new', 'new' FROM generate_series(1, 99)",
        )
        assert [state for _, state, _ in sessions_left(connection, 1)] == ["idle in transaction"]
        rest = source.read(config | {"chunk_bytes": CHUNK}, "public.t", state=begun.state)
        assert sorted([*covered(begun, -1), *rows_of(rest)]) == golden
    assert sessions_left(connection) == []


def test_snapshot_that_nobody_comes_back_for_is_let_go(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """An idle transaction keeps the server from vacuuming, and everybody from altering the table."""
    run(connection, LAYOUTS["key ranges"][0])
    with running_source(batch_bytes=1 << 14) as source:
        assert not read_until_drained(source, config | {"chunk_bytes": CHUNK, "snapshot_seconds": 1}).complete
        assert len(sessions_left(connection, 1)) == 1
        assert sessions_left(connection) == []


Blocked = Callable[[psycopg.Connection], str]


def _locked(connection: psycopg.Connection) -> str:
    run(connection, "CREATE TABLE t AS SELECT 1 AS a")
    run(connection, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    return "wait_event_type = 'Lock'"


def _silent(connection: psycopg.Connection) -> str:
    run(connection, SILENT)
    return "wait_event = 'PgSleep'"


def _streaming(connection: psycopg.Connection) -> str:
    run(connection, ENDLESS)
    return "wait_event = 'ClientWrite'"


@pytest.mark.parametrize(
    ("blocked", "cursor"), [(_locked, ""), (_silent, ""), (_streaming, ""), (_locked, "a"), (_silent, "a")]
)
def test_cancel_ends_within_seconds_whatever_the_server_does(
    config: dict[str, Any], postgres_database: Database, connection: psycopg.Connection, blocked: Blocked, cursor: str
) -> None:
    """Waiting for a lock, silent, or with full buffers: after a cancel no thread and no session may be left."""
    with postgres_database.connect() as watching, running_source() as source:
        condition = blocked(connection)
        session = opened(source, config, cursor)
        waits(watching, condition)
        cancelled_at = time.monotonic()
        session.cancel()
        while source.running_threads and time.monotonic() < cancelled_at + CANCEL_SECONDS:
            time.sleep(0.02)
        left = sessions_left(watching, within=cancelled_at + CANCEL_SECONDS - time.monotonic())
        assert (source.running_threads, left) == (0, [])
        run(connection, "ROLLBACK")


def test_statement_timeout_is_an_outage_that_names_the_setting(
    config: dict[str, Any], connection: psycopg.Connection
) -> None:
    """In mid-stream too, where the driver gives the code only to who asks for it."""
    run(
        connection,
        "CREATE VIEW t AS SELECT n AS a, CASE WHEN n > 200000 THEN pg_sleep(60)::text ELSE '' END AS b"
        " FROM generate_series(1, 300000) AS n",
    )
    with running_source(batch_bytes=1 << 14) as source:
        result = source.read(config | {"statement_timeout_seconds": 1}, "public.t", may_fail=True)
    assert result.num_rows > 0
    assert failed(result) == (Unavailable, "STATEMENT_CANCELLED")
    assert result.failure is not None
    assert "statement_timeout_seconds" in result.failure.message
    assert sessions_left(connection) == []


def test_lock_timeout_is_an_outage(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """The lock is another's, and will be given back."""
    run(connection, "CREATE TABLE t AS SELECT 1 AS a")
    run(connection, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    with running_source() as source:
        result = source.read(config | {"lock_timeout_seconds": 1}, "public.t", may_fail=True)
    assert failed(result) == (Unavailable, "LOCKED")


def test_too_few_connections_are_an_outage(
    config: dict[str, Any], postgres_database: Database, connection: psycopg.Connection, reader: str
) -> None:
    """Somebody else has the last one; the server refuses with a code that only the protocol shows."""
    run(connection, f"ALTER ROLE {reader} CONNECTION LIMIT 1")
    login = {"user": reader, "password": f"secret of {reader}"}
    address = {"host": postgres_database.host, "port": postgres_database.port, "dbname": postgres_database.name}
    with psycopg.connect(**cast("dict[str, Any]", address | login)), running_source() as source:
        result = source.read(config | login, "public.t", may_fail=True)
    assert failed(result) == (Unavailable, "TOO_MANY_CONNECTIONS")


@pytest.mark.parametrize("setting", ["transaction_timeout", "idle_in_transaction_session_timeout"])
def test_timeouts_of_the_role_do_not_end_a_long_read(
    config: dict[str, Any], connection: psycopg.Connection, reader: str, setting: str
) -> None:
    """A snapshot is one long transaction, and its keeper idles in it; such limits are meant for others."""
    run(
        connection,
        f"CREATE VIEW t AS SELECT n AS a, pg_sleep(0.4)::text AS b FROM generate_series(1, 2) AS n;"
        f"GRANT SELECT ON t TO {reader}; ALTER ROLE {reader} SET {setting} = '300ms'",
    )
    with running_source() as source:
        result = source.read(config | {"user": reader, "password": f"secret of {reader}"}, "public.t")
    assert result.num_rows == 2


def test_table_that_was_dropped_is_named(config: dict[str, Any], connection: psycopg.Connection) -> None:
    """Between discovery and the sync; a column likewise."""
    run(connection, "CREATE TABLE t (a int)")
    with running_source() as source:
        with pytest.raises(Misconfigured) as no_column:
            source.read(config, "public.t", columns=["a", "gone"])
        run(connection, "DROP TABLE t")
        with pytest.raises(NotFound) as no_table:
            source.read(config, "public.t")
        with pytest.raises(Misconfigured) as no_log:
            source.read(config, "public.t", ReadMode.CHANGES)
    reasons = [failure.value.reason for failure in (no_column, no_table, no_log)]
    assert reasons == ["UNKNOWN_COLUMN", "NO_SUCH_TABLE", "UNSUPPORTED_READ_MODE"]
