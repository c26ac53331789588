"""A connection to SQLite that carries each statement to its thread once.

aiosqlite gives every connection a thread. SQLAlchemy makes a cursor for a statement, executes it, fetches its rows and
closes it: four messages to that thread and back. Here it is one, which takes a sixth off the server's CPU time for a
small job (docs/performance.md). Rows are not read in parts: SQLAlchemy's `stream` does not work on such a connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Self, TypeAlias, cast

import aiosqlite

__all__ = ["connect"]

_ITER_CHUNK_ROWS = 64
"""What aiosqlite's own `connect` says; nothing here is read in chunks."""

_Carry: TypeAlias = "Callable[[Callable[[sqlite3.Connection], _Executed], sqlite3.Connection], Awaitable[_Executed]]"


async def connect(path: str, **options: Any) -> aiosqlite.Connection:
    """Open the database file at `path`; `options` are those of `sqlite3.connect`. Raises sqlite3.Error."""
    return await _Connection(partial(sqlite3.connect, path, **options), _ITER_CHUNK_ROWS)


class _Connection(aiosqlite.Connection):
    """Offers cursors of ours; all else is aiosqlite's, whose `_execute` is how anything comes to its thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._thread.daemon = True  # or one that is left open keeps the process

    def cursor(self) -> Any:
        return _Statement(self)

    async def carried(self, run: Callable[[sqlite3.Connection], _Executed]) -> _Executed:
        """Run a function in the thread."""
        carry = cast("_Carry", self._execute)  # pyright: ignore[reportUnknownMemberType]
        return await carry(run, self._conn)


class _Executed:
    """What is left of a cursor that was executed and read to its end."""

    __slots__ = ("description", "lastrowid", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self.rows = cursor.fetchall() if cursor.description else []
        self.rowcount = cursor.rowcount  # that of RETURNING is known after its rows
        self.lastrowid = cursor.lastrowid


class _Statement:
    """A cursor as SQLAlchemy uses it: for one statement, all of whose rows it fetches at once."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._executed: _Executed | None = None

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._executed.description if self._executed else None

    @property
    def rowcount(self) -> int:
        return self._executed.rowcount if self._executed else -1

    @property
    def lastrowid(self) -> int | None:
        return self._executed.lastrowid if self._executed else None

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement and fetch its rows. Raises sqlite3.Error."""
        self._executed = await self._connection.carried(partial(_execute, operation, parameters))

    async def executemany(self, operation: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of several rows. Raises sqlite3.Error."""
        self._executed = await self._connection.carried(partial(_execute_many, operation, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows."""
        return self._executed.rows if self._executed else []

    async def close(self) -> None:
        """Do nothing: nothing is open."""


def _execute(operation: str, parameters: Sequence[Any], connection: sqlite3.Connection) -> _Executed:
    cursor = connection.cursor()
    try:
        return _Executed(cursor.execute(operation, parameters))
    finally:
        cursor.close()


def _execute_many(operation: str, parameters: Sequence[Sequence[Any]], connection: sqlite3.Connection) -> _Executed:
    cursor = connection.cursor()
    try:
        return _Executed(cursor.executemany(operation, parameters))
    finally:
        cursor.close()
