from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest
from fix_postgres import FAST_SETTINGS, Database, TlsPostgres
from orphans import ends_within, orphan
from psycopg.conninfo import make_conninfo
from towpath_local.embedded import DirectoryInUse, EmbeddedPostgres, EmbeddedServerError, PortInUse
from towpath_local.embedded.ports import LOOPBACK, free_port


def one(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_server_is_ready_for_logical_replication(postgres: EmbeddedPostgres) -> None:
    """Change data capture is developed against the same server."""
    with postgres.connect() as connection:
        assert one(connection, "SHOW wal_level") == "logical"
        assert str(one(connection, "SHOW server_version")).startswith("18.")


def test_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    """A server that trusts everybody would hide a connector's mistakes."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(make_conninfo(postgres.url(), password="wrong"))


def test_password_is_in_no_command_line(postgres: EmbeddedPostgres) -> None:
    """Every user of the machine can list command lines."""
    server = psutil.Process(postgres.pid)
    for process in [server, *server.children(recursive=True)]:
        assert postgres.password not in " ".join(process.cmdline())


def test_each_database_starts_empty(postgres_database: Database) -> None:
    """Tests must not see each other's tables."""
    with postgres_database.connect() as connection:
        assert one(connection, "SELECT current_database()") == postgres_database.name
        assert one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_database_of_any_name_is_created_and_dropped_with_its_sessions(postgres: EmbeddedPostgres) -> None:
    """Names are identifiers, not SQL; a session left open must not block the end of a test."""
    name = 'odd "name"; %/ü'
    postgres.create_database(name)
    with postgres.connect(name) as connection:
        assert one(connection, "SELECT current_database()") == name
        postgres.drop_database(name)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_committed_rows_survive_kill_9(tmp_path: Path) -> None:
    """Fault tests kill this server and go on with what it had confirmed."""
    with EmbeddedPostgres(tmp_path / "pg") as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS id")
        url = server.url()
        server.kill()
        assert not server.running
        server.start()
        assert server.url() == url
        with psycopg.connect(url) as connection:
            assert one(connection, "SELECT count(*) FROM t") == 1000


def test_another_process_finds_the_same_server_again(tmp_path: Path) -> None:
    """`towpath up` of tomorrow serves the data of today, at the same address."""
    with EmbeddedPostgres(tmp_path / "pg", settings=FAST_SETTINGS) as server:
        url = server.url()
        with server.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS id")
    with EmbeddedPostgres(tmp_path / "pg", settings=FAST_SETTINGS) as again:
        assert again.url() == url
        with again.connect() as connection:
            assert one(connection, "SELECT id FROM t") == 7


def test_server_dies_with_its_parent_and_starts_again(tmp_path: Path) -> None:
    """The next start waits for an orphan that is still on its way out, and finds its data."""
    pid = orphan("postgres", tmp_path / "pg")
    with EmbeddedPostgres(tmp_path / "pg") as server, server.connect() as connection:
        assert one(connection, "SELECT 1") == 1
    assert ends_within(pid, 0.1)


def test_second_server_on_a_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers on the same data would destroy them."""
    monkeypatch.setattr("towpath_local.embedded.server._LOCK_SECONDS", 0.2)
    with (
        EmbeddedPostgres(tmp_path / "pg", settings=FAST_SETTINGS),
        pytest.raises(DirectoryInUse, match="already running"),
    ):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_taken_port_is_named(tmp_path: Path) -> None:
    """A port that somebody chose is never replaced in silence."""
    port = free_port()
    with (
        socket.create_server((LOOPBACK, port)),
        pytest.raises(PortInUse, match=f"port {port} of PostgreSQL"),
    ):
        EmbeddedPostgres(tmp_path / "pg", port=port).start()


def test_invalid_setting_is_reported_in_the_server_s_words(tmp_path: Path) -> None:
    """The log says what is wrong; the error carries it."""
    server = EmbeddedPostgres(tmp_path / "pg", settings={**FAST_SETTINGS, "work_mem": "much"})
    with pytest.raises(EmbeddedServerError, match=r"invalid value for parameter \"work_mem\""):
        server.start()
    assert not server.running


def test_long_directory_leaves_the_socket_out(tmp_path: Path) -> None:
    """A socket's path has 107 bytes at most; pytest's directories are longer at times."""
    with EmbeddedPostgres(tmp_path / ("x" * 120), settings=FAST_SETTINGS) as server:
        assert server.socket_directory is None
        with server.connect() as connection:
            assert one(connection, "SELECT 1") == 1


def test_root_steps_down_and_its_data_may_move_out_of_nobody_s_reach() -> None:
    """PostgreSQL refuses root; a checkout may lie anywhere, below /root too."""
    unprivileged = 65534 if os.geteuid() == 0 else os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        reachable = Path(folder)
        reachable.chmod(0o755)
        with EmbeddedPostgres(reachable / "pg", settings=FAST_SETTINGS) as server:
            # The environment of this run may itself be out of nobody's reach.
            assert psutil.Process(server.pid).uids().effective in {unprivileged, os.geteuid()}
            with server.connect() as connection:
                connection.execute("CREATE TABLE t AS SELECT 7 AS id")
            server.stop()
            reachable.chmod(0o700)
            server.start()
            assert psutil.Process(server.pid).uids().effective == os.geteuid()
            with server.connect() as connection:
                assert one(connection, "SELECT id FROM t") == 7
            reachable.chmod(0o755)
            server.restart()
            with server.connect() as connection:
                assert one(connection, "SELECT id FROM t") == 7


def test_version_16_runs_too(tmp_path: Path) -> None:
    """Many a source is older than the newest version."""
    with (
        EmbeddedPostgres(tmp_path / "pg", version=16, settings=FAST_SETTINGS) as server,
        server.connect() as connection,
    ):
        assert str(one(connection, "SHOW server_version")).startswith("16.")


def test_tls_is_verified_against_the_authority_and_the_host_name(postgres_tls: TlsPostgres) -> None:
    """The fixture must refuse what a careful client refuses, or tests of TLS prove nothing."""
    url = make_conninfo(
        postgres_tls.server.url(postgres_tls.database),
        host=postgres_tls.host,
        sslmode="verify-full",
        sslrootcert=str(postgres_tls.root_certificate),
    )
    with psycopg.connect(url) as connection:
        assert one(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(make_conninfo(url, sslrootcert=str(postgres_tls.other_root_certificate)))
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(make_conninfo(url, host=LOOPBACK))


def test_tls_database_refuses_plain_connections(postgres_tls: TlsPostgres) -> None:
    """Otherwise `sslmode=disable` would seem to work."""
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(postgres_tls.server.url(postgres_tls.database))


def test_client_certificate_logs_in_without_a_password(postgres_tls: TlsPostgres) -> None:
    """And without it the role is refused."""
    certified = make_conninfo(
        "",
        host=postgres_tls.host,
        port=postgres_tls.server.port,
        user=postgres_tls.certified_user,
        dbname=postgres_tls.database,
        sslmode="verify-full",
        sslrootcert=str(postgres_tls.root_certificate),
    )
    with psycopg.connect(
        certified, sslcert=str(postgres_tls.client_certificate), sslkey=str(postgres_tls.client_key)
    ) as connection:
        assert one(connection, "SELECT current_user") == postgres_tls.certified_user
    with pytest.raises(psycopg.OperationalError, match="client certificate"):
        psycopg.connect(certified)
