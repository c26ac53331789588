"""The metadata database from outside: what a thief of a backup would read, and how it is made to fail."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, create_engine, text


def whole_database(url: str) -> bytes:
    """Return every byte of a SQLite database with its log, or every row of a PostgreSQL database."""
    if is_sqlite(url):
        path = url.removeprefix("sqlite:///")
        return b"".join(Path(path + suffix).read_bytes() for suffix in ("", "-wal") if Path(path + suffix).exists())
    content = io.BytesIO()
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor().copy(query) as copy:
                for chunk in copy:
                    content.write(chunk)
    return content.getvalue()


def forms_of(secret: str) -> list[bytes]:
    """Return the ways in which a secret could stand in a dump: as text, as JSON, in hexadecimal, in base64."""
    raw = secret.encode()
    escaped = json.dumps(secret).strip('"').encode()
    return [raw, escaped, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw).rstrip(b"=")]


def is_sqlite(url: str) -> bool:
    """Say which of both databases a URL means."""
    return url.startswith("sqlite")


@contextmanager
def transaction(url: str) -> Generator[Connection]:
    """Open a transaction of the test's own beside those of the server."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def rows_of(url: str, query: str) -> Sequence[Any]:
    """Return the rows of a query."""
    with transaction(url) as connection:
        return connection.execute(text(query)).all()


@asynccontextmanager
async def failing_updates(url: str, table: str, condition: str) -> AsyncGenerator[None]:
    """Let the database itself refuse every update of `table` whose NEW row meets `condition`, while the block runs.

    The statements run in a thread: they may wait for a transaction of the server, which shares the loop of the test.
    """
    trigger = f"CREATE TRIGGER test_fault BEFORE UPDATE ON {table}"
    if is_sqlite(url):
        fault = "BEGIN SELECT RAISE(ABORT, 'a fault of the test'); END"
        make = [f"{trigger} WHEN {condition} {fault}"]
        drop = ["DROP TRIGGER test_fault"]
    else:
        fault = "BEGIN RAISE EXCEPTION 'a fault of the test'; END"
        make = [
            f"CREATE FUNCTION test_fault() RETURNS trigger LANGUAGE plpgsql AS $$ {fault} $$",
            f"{trigger} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION test_fault()",
        ]
        drop = [f"DROP TRIGGER test_fault ON {table}", "DROP FUNCTION test_fault"]
    await asyncio.to_thread(_execute, url, make)
    try:
        yield
    finally:
        await asyncio.to_thread(_execute, url, drop)


def _execute(url: str, statements: list[str]) -> None:
    with transaction(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
