"""Metadata databases for tests of the server: SQLite files and PostgreSQL databases that have all tables and no row.

A migration takes longer than most tests, and so does a new database in PostgreSQL: files are copied from one that was
migrated, databases are emptied and used again.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_server.database.engine import open_engine
from towpath_server.database.migrate import migrate
from towpath_server.database.tables import metadata

_EMPTY = sql.SQL("; ").join(
    sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)) for table in reversed(metadata.sorted_tables)
)
_END_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_SHAPE = (
    "SELECT attrelid::regclass::text, attname, attnum, atttypid FROM pg_attribute WHERE attrelid IN"
    " (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    " UNION ALL SELECT tgname, tgrelid::regclass::text, 0, 0 FROM pg_trigger WHERE NOT tgisinternal"
    " UNION ALL SELECT proname, '', 0, 0 FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    " UNION ALL SELECT version_num, '', 0, 0 FROM alembic_version ORDER BY 1, 2, 3"
)


def migrated(url: str) -> str:
    """Bring an empty database to the newest revision, as the first server on it would."""

    async def run() -> None:
        engine = open_engine(url)
        await migrate(engine)
        await engine.dispose()

    with ThreadPoolExecutor(1) as pool:  # a test's event loop may be running in this thread
        pool.submit(asyncio.run, run()).result()
    return url


@dataclass
class _Spare:
    """A database that the test before has used, emptied; none when that test has changed more than rows."""

    name: str | None = None


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A metadata database in SQLite that has all its tables, and no row; to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "metadata.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def spare_database() -> _Spare:
    """The database that the next test takes."""
    return _Spare()


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_file: Path) -> str:
    """A SQLite file of its own for a test."""
    copy = shutil.copy(migrated_file, tmp_path / "metadata.db")
    return f"sqlite:///{copy}"


@pytest.fixture
def postgres_url(postgres: EmbeddedPostgres, spare_database: _Spare) -> Iterator[str]:
    """A database in PostgreSQL that no other test uses meanwhile."""
    name = spare_database.name or _new_database(postgres)
    spare_database.name = None
    with postgres.connect(name) as connection:
        shape = connection.execute(_SHAPE).fetchall()
        yield postgres.url(name)
        connection.execute(_END_SESSIONS)
        same = connection.execute(_SHAPE).fetchall() == shape
        if same:
            connection.execute(_EMPTY)
    if same:
        spare_database.name = name
    else:
        postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def metadata_url(request: pytest.FixtureRequest) -> str:
    """A metadata database of each kind."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


def _new_database(postgres: EmbeddedPostgres) -> str:
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres.create_database(name)
    migrated(postgres.url(name))
    return name
