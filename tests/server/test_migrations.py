"""How a server finds or makes its tables: a new database has them at once, an older one by way of migrations."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from former_version import newest_revision
from server_database import rows_of
from sqlalchemy import Connection, inspect, text
from towpath_server.database import tables
from towpath_server.database.engine import open_engine
from towpath_server.database.migrate import migrate, run_migrations


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> str:
    """A database without tables."""
    return (
        f"sqlite:///{tmp_path / 'empty.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_database").url
    )


def _shape(connection: Connection) -> dict[str, Any]:
    """Return all that a database says about its tables, and their revision."""
    seen = inspect(connection)
    shape: dict[str, Any] = {"revision": connection.execute(text("SELECT * FROM alembic_version")).all()}
    for table in seen.get_table_names():
        columns = [{**column, "type": str(column["type"])} for column in seen.get_columns(table)]
        without_order = [
            *seen.get_foreign_keys(table),
            *seen.get_unique_constraints(table),
            *seen.get_check_constraints(table),
            *map(_index, seen.get_indexes(table)),
        ]
        shape[table] = (columns, seen.get_pk_constraint(table), sorted(map(str, without_order)))
    return shape


def _index(index: Any) -> dict[str, Any]:
    """Return an index with its condition as text."""
    return {**index, "dialect_options": {name: str(value) for name, value in index.get("dialect_options", {}).items()}}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_tables_that_are_made_at_once_are_those_that_every_migration_makes(empty_url: str) -> None:
    """Otherwise an installation of today would break with the migrations of tomorrow."""
    engine = open_engine(empty_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run_migrations)
            migrated = await connection.run_sync(_shape)
            await connection.run_sync(tables.metadata.drop_all)
            await connection.execute(text("DROP TABLE alembic_version"))
        await migrate(engine)
        async with engine.begin() as connection:
            made = await connection.run_sync(_shape)
    finally:
        await engine.dispose()
    assert made == migrated
    assert set(made) == {*tables.metadata.tables, "alembic_version", "revision"}
    assert made["revision"] == [(newest_revision(),)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_servers_that_start_at_once_make_the_tables_once(empty_url: str) -> None:
    """A deployment starts all its servers together, on a database that none of them has seen."""
    engines = [open_engine(empty_url) for _ in range(4)]
    try:
        await asyncio.gather(*map(migrate, engines))
    finally:
        for engine in engines:
            await engine.dispose()
    assert rows_of(empty_url, "SELECT version_num FROM alembic_version") == [(newest_revision(),)]


async def refused(url: str, statement: str, problem: str) -> None:
    """Change a database, and expect that a server's start fails for it."""
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        with pytest.raises(Exception, match=problem):
            await migrate(engine)
    finally:
        await engine.dispose()


async def test_database_of_a_newer_version_is_left_alone(sqlite_url: str) -> None:
    """A server that is too old for its tables must not serve from them."""
    await refused(sqlite_url, "UPDATE alembic_version SET version_num = '9999'", "9999")
    assert rows_of(sqlite_url, "SELECT version_num FROM alembic_version") == [("9999",)]


async def test_database_of_which_a_table_is_somebody_elses_is_refused(tmp_path: Path) -> None:
    """Two programs would write into one table."""
    await refused(f"sqlite:///{tmp_path / 'other.db'}", "CREATE TABLE jobs (number int)", "jobs already exists")
