"""Brings a database to the newest revision, at every start of a server."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from towpath_server.database.engine import WRITES

__all__ = ["MIGRATION_LOCK", "migrate"]

MIGRATION_LOCK = 0x746F7770617468
"""Key of the advisory lock that lets one of several PostgreSQL-backed servers migrate while the others wait."""


async def migrate(engine: AsyncEngine) -> None:
    """Run every migration that is missing, in one transaction; safe while other servers start on the same database."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(**{WRITES: True})
        async with connection.begin():
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
