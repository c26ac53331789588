"""Engines for both databases, and what each needs so that readers and writers get along."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from functools import partial
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from towpath_sdk.errors import Misconfigured

from towpath_server.database.sqlite_connection import connect

__all__ = ["WRITES", "open_engine"]

WRITES = "towpath_writes"
"""Execution option of a connection whose transaction will write."""

_BUSY_TIMEOUT_MS = 30_000


def open_engine(url: str) -> AsyncEngine:
    """Return an engine for `sqlite:///path` or `postgresql://…`; nothing is connected yet.

    Raises Misconfigured for any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _refused() from error
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed.set(drivername="sqlite+aiosqlite"))
        case "postgresql":
            return _postgresql(parsed.set(drivername="postgresql+psycopg"))
        case _:
            raise _refused()


def _refused() -> Misconfigured:
    return Misconfigured(
        "the database URL must be sqlite:///path/to/file or postgresql://user:password@host:port/database",
        reason="INVALID_DATABASE_URL",
    )


def _sqlite(url: URL) -> AsyncEngine:
    arguments, options = url.get_dialect()().create_connect_args(url)
    creator = partial(connect, *arguments, **options)
    engine = create_async_engine(url, pool_size=8, max_overflow=8, hide_parameters=True, async_creator=creator)

    def connected(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: BEGIN IMMEDIATE below takes the write lock at the start,
        # where waiting for it is possible; upgrading a reader fails at once instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    rollbacks: set[asyncio.Task[None]] = set()

    def given_up(connection: Any, _record: Any, _error: Any) -> None:
        # A cancelled call leaves its statement half read, and its connection is closed. SQLite would keep the
        # transaction, with its lock, until Python forgets that statement: this ends it first, in the same queue.
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nobody waits here any more
            return
        rollback = loop.create_task(_roll_back(connection.driver_connection))
        rollbacks.add(rollback)
        rollback.add_done_callback(rollbacks.discard)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "invalidate", given_up)
    event.listen(engine.sync_engine, "begin", begun)
    return engine


async def _roll_back(connection: Any) -> None:
    with contextlib.suppress(sqlite3.Error, ValueError):  # nothing had begun, or it is closed already
        await connection.rollback()


def _postgresql(url: URL) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": 10, "application_name": "towpath-server"},
    )
