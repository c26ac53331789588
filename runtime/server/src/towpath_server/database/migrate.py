"""Brings a database to the newest revision, at every start of a server.

An empty database is given all tables at once, and one that has them is left alone: only what lies between needs
Alembic, which takes longer to import than either.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from towpath_server.database.engine import WRITES
from towpath_server.database.tables import metadata

__all__ = ["MIGRATION_LOCK", "migrate", "run_migrations"]

MIGRATION_LOCK = 0x746F7770617468
"""Key of the advisory lock that lets one of several PostgreSQL-backed servers migrate while the others wait."""

_MIGRATIONS = Path(__file__).parent / "migrations"

# As Alembic makes it.
_versions = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    Column("version_num", String(32), primary_key=True),
)


async def migrate(engine: AsyncEngine) -> None:
    """Do everything that is missing, in one transaction; safe while other servers start on the same database."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(**{WRITES: True})
        async with connection.begin():
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    newest = max(path.name for path in (_MIGRATIONS / "versions").glob("r[0-9]*.py"))[1:5]
    present = set(inspect(connection).get_table_names())
    if _versions.name in present:
        if connection.execute(select(_versions.c.version_num)).scalars().all() != [newest]:
            run_migrations(connection)
    elif present.isdisjoint(metadata.tables):
        _make_all(connection, newest)
    else:
        run_migrations(connection)


def _make_all(connection: Connection, revision: str) -> None:
    """Make the tables as every migration up to `revision`, one after the other, would leave them."""
    metadata.create_all(connection, checkfirst=False)
    _versions.create(connection)
    connection.execute(insert(_versions).values(version_num=revision))


def run_migrations(connection: Connection) -> None:
    """Run every migration that is missing, one after the other."""
    from alembic import command  # noqa: PLC0415 - a tenth of a start, which seldom migrates anything
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
