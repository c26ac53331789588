"""Transactions, and locks across servers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from towpath_server.database.driver_failures import driver_failures
from towpath_server.database.engine import WRITES
from towpath_server.database.records_access import AuditRows, TokenRows
from towpath_server.database.records_connections import ConnectionRows, PositionRows
from towpath_server.database.records_connectors import ConnectorRows, EndpointRows
from towpath_server.database.records_jobs import JobRows
from towpath_server.database.records_logs import LogRows
from towpath_server.database.records_schema_changes import SchemaChangeRows
from towpath_server.database.records_tasks import CatalogRows, RequestRows, TaskRows
from towpath_server.database.sealing import Sealer
from towpath_server.domain.connector import Role

__all__ = ["SqlRecords", "SqlStore"]


class SqlRecords:
    """Every table, within one transaction."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self.connectors = ConnectorRows(connection)
        self.connections = ConnectionRows(connection)
        self.positions = PositionRows(connection)
        self.jobs = JobRows(connection)
        self.logs = LogRows(connection)
        self.schema_changes = SchemaChangeRows(connection)
        self.tasks = TaskRows(connection, sealer)
        self.catalogs = CatalogRows(connection)
        self.requests = RequestRows(connection)
        self.tokens = TokenRows(connection)
        self.audit = AuditRows(connection)

    def endpoints(self, role: Role) -> EndpointRows:
        """Sources or destinations."""
        return EndpointRows(self._connection, self._sealer, role)


class SqlStore:
    """A database behind an engine. Raises Unavailable when it cannot be reached."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer
        self._postgresql = engine.dialect.name == "postgresql"
        # SQLite has one writer at a time. Waiting for the turn here is fair and costs nothing; waiting inside SQLite is
        # neither, because its busy handler sleeps and polls.
        self._turn = asyncio.Lock()
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[SqlRecords]:
        """Open a transaction that only reads."""
        with driver_failures():
            async with self._engine.connect() as connection, connection.begin():
                yield SqlRecords(connection, self._sealer)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[SqlRecords]:
        """Open a transaction that writes: committed at the end of the block, rolled back when it raises."""
        if self._postgresql:
            async with self._transaction() as records:
                yield records
        else:
            async with self._turn, self._transaction() as records:
                yield records

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[None]:
        """Hold a lock across all servers of this database while the block runs."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            if not self._postgresql:
                yield
                return
            with driver_failures():
                async with self._engine.connect() as connection, connection.begin():
                    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True)
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": number})
                    yield

    async def reseal(self) -> int:
        """Seal anew, with the first key, what older keys have sealed; returns how many rows that were."""
        async with self.write() as records:
            return sum([await records.endpoints(role).reseal() for role in Role])

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[SqlRecords]:
        with driver_failures():
            async with self._engine.connect() as plain:
                connection = await plain.execution_options(**{WRITES: True})
                async with connection.begin():
                    yield SqlRecords(connection, self._sealer)
