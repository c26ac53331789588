"""A PostgreSQL source as the tests of it configure it: over a real socket, against a real database."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, LiteralString, cast

import psycopg
from fix_postgres import Database
from psycopg import sql
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_sdk.testing import ConnectorUnderTest, connector_under_test
from towpath_source_postgres.source import PostgresSource

__all__ = ["config_of", "run", "running_source", "secure_url", "sessions_left", "temporary_database"]


def config_of(where: Database, **changes: Any) -> dict[str, Any]:
    """Return the configuration that reads a database as its superuser."""
    return {
        "host": where.host,
        "port": where.port,
        "database": where.name,
        "user": where.user,
        "password": where.password,
        **changes,
    }


def secure_url(database: Database) -> str:
    """Return the URL of a database whose server insists on TLS, as Debian's does here."""
    return database.url.replace("sslmode=disable", "sslmode=require")


def run(connection: psycopg.Connection, statements: str) -> list[tuple[Any, ...]]:
    """Run SQL of a test's own making, and return the rows of the last statement, if it has any."""
    cursor = connection.execute(sql.SQL(cast("LiteralString", statements)))
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []


def sessions_left(connection: psycopg.Connection, expected: int = 0, within: float = 5.0) -> list[tuple[Any, ...]]:
    """Return the source's sessions in this database, with what they do, as soon as there are `expected`, or too late.

    A server process takes its time to notice that its client has hung up.
    """
    deadline = time.monotonic() + within
    while True:
        found = run(
            connection,
            "SELECT pid, state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'towpath' ORDER BY backend_start",
        )
        if len(found) == expected or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


@contextmanager
def temporary_database(server: EmbeddedPostgres) -> Generator[Database]:
    """Create an empty database for the time of the `with` block."""
    database = Database(server, f"test_{uuid.uuid4().hex[:12]}")
    server.create_database(database.name)
    try:
        yield database
    finally:
        server.drop_database(database.name)


@contextmanager
def running_source(*, batch_bytes: int = 4 << 20, timeout: float = 60) -> Generator[ConnectorUnderTest]:
    """Serve the source for the time of the `with` block."""
    with connector_under_test(PostgresSource(), batch_bytes=batch_bytes, timeout=timeout) as connector:
        yield connector
