"""Rows of schema changes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import from_micros, micros
from towpath_server.domain.connection import SchemaChangePolicy
from towpath_server.domain.schema_change import ColumnChange, SchemaChange
from towpath_server.domain.streams import StreamName

__all__ = ["SchemaChangeRows"]


class SchemaChangeRows:
    """What jobs found changed in the schemas of streams, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, change: SchemaChange) -> None:
        """Insert a change, unless its job found the same before. The job must be locked."""
        table = tables.schema_changes
        columns = _encoded(change.columns)
        known = select(table.c.id).where(
            table.c.job == change.job,
            table.c.namespace == change.stream.namespace,
            table.c.name == change.stream.name,
            table.c.columns == columns,
        )
        if (await self._connection.execute(known)).first() is not None:
            return
        await self._connection.execute(
            insert(table).values(
                id=change.id,
                connection=change.connection,
                job=change.job,
                namespace=change.stream.namespace,
                name=change.stream.name,
                time=micros(change.time),
                policy=int(change.policy),
                columns=columns,
            )
        )

    async def page(self, connection: str, before: str, limit: int) -> Sequence[SchemaChange]:
        """Return up to `limit` changes of a connection, newest first; older than the id `before` if it is set."""
        table = tables.schema_changes
        query = select(table).where(table.c.connection == connection).order_by(table.c.id.desc()).limit(limit)
        if before:
            query = query.where(table.c.id < before)
        return [_change(row) for row in (await self._connection.execute(query)).mappings()]


def _encoded(columns: Sequence[ColumnChange]) -> str:
    # PostgreSQL cannot store NUL in text; JSON writes it as an escape.
    return json.dumps([[one.column, one.before, one.after] for one in columns])


def _change(row: RowMapping) -> SchemaChange:
    return SchemaChange(
        id=row["id"],
        connection=row["connection"],
        job=row["job"],
        stream=StreamName(row["namespace"], row["name"]),
        time=from_micros(row["time"]),
        policy=SchemaChangePolicy(row["policy"]),
        columns=tuple(ColumnChange(*column) for column in json.loads(row["columns"])),
    )
