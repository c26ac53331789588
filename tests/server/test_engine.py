"""What the metadata database keeps to when a caller goes away."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from towpath_server.database.engine import WRITES, open_engine

_SLOW = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000000)"
    " SELECT count(*) FROM numbers"
)
"""Its only row takes a moment, so that a cancel finds the statement begun and its row not fetched."""


async def write(engine: AsyncEngine, *statements: str) -> None:
    """Run statements in a transaction that writes, as the server's do."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(**{WRITES: True})
        async with connection.begin():
            for statement in statements:
                await connection.execute(text(statement))


async def test_a_call_that_was_given_up_locks_nobody_out(sqlite_url: str) -> None:
    """A client that hangs up in the middle of a write must not stop the server for half a minute."""
    engine = open_engine(sqlite_url)
    try:
        given_up = asyncio.create_task(write(engine, "CREATE TABLE orders (n int)", _SLOW))
        await asyncio.sleep(0.1)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError) as kept:
            await given_up
        # `kept` holds the statement by its traceback, as a call's failure does until it is forgotten. That the table
        # can be made says that nobody waits for the lock, and that nothing of the first write was kept.
        await write(engine, "CREATE TABLE orders (n int)")
        assert kept.value is not None
    finally:
        await engine.dispose()


async def test_a_statement_goes_to_the_thread_of_its_connection_once(sqlite_url: str) -> None:
    """A cursor, its execution, its rows and its end would be a message each."""
    engine = open_engine(sqlite_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE orders (n int)"))
            driver: Any = (await connection.get_raw_connection()).driver_connection
            with patch.object(driver, "_execute", wraps=driver._execute) as carried:
                many = await connection.execute(text("INSERT INTO orders VALUES (:n)"), [{"n": n} for n in range(5)])
                changed = await connection.execute(text("UPDATE orders SET n = n + 1 WHERE n > 2 RETURNING n"))
                found = (await connection.execute(text("SELECT n FROM orders ORDER BY n"))).scalars().all()
            assert (many.rowcount, changed.rowcount, changed.scalars().all()) == (5, 2, [4, 5])
            assert found == [0, 1, 2, 4, 5]
            assert carried.call_count == 3
    finally:
        await engine.dispose()
