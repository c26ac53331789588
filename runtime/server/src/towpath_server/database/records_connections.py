"""Rows of connections, the positions of their streams, and the schedules that Temporal still has to be told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import (
    decode_schedule,
    decode_selections,
    decode_settings,
    encode_schedule,
    encode_selections,
    encode_settings,
    from_micros,
    micros,
)
from towpath_server.domain.connection import Connection, SchemaChangePolicy, StreamPosition
from towpath_server.domain.streams import StreamName
from towpath_server.use_cases.problems import AlreadyExists

__all__ = ["ConnectionRows", "PositionRows"]


class ConnectionRows:
    """Connections, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, identifier: str, *, lock: bool = False) -> Connection | None:
        """Return a connection, None when there is none; `lock` keeps others from changing it until the end."""
        query = select(tables.connections).where(tables.connections.c.id == identifier)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).mappings().first()
        return None if row is None else _connection(row)

    async def page(self, after: str, limit: int) -> Sequence[Connection]:
        """Return up to `limit` connections by id, after the id `after`."""
        table = tables.connections
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        return [_connection(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, connection: Connection) -> None:
        """Insert a connection, its schedule unknown to Temporal. Raises AlreadyExists."""
        removed = tables.removed_schedules
        await self._connection.execute(delete(removed).where(removed.c.connection == connection.id))
        try:
            await self._connection.execute(
                insert(tables.connections).values(**_connection_values(connection), schedule_synced=0)
            )
        except IntegrityError as error:
            raise AlreadyExists(connection.name) from error

    async def save(self, connection: Connection) -> None:
        """Store every field of a connection that exists."""
        table = tables.connections
        await self._connection.execute(
            update(table).where(table.c.id == connection.id).values(_connection_values(connection))
        )

    async def remove(self, identifier: str) -> None:
        """Delete a connection with positions and jobs, and remember that its schedule has to go."""
        removed = tables.removed_schedules
        await self._connection.execute(delete(removed).where(removed.c.connection == identifier))
        await self._connection.execute(insert(removed).values(connection=identifier))
        await self._connection.execute(delete(tables.connections).where(tables.connections.c.id == identifier))

    async def unsynced(self, limit: int) -> Sequence[str]:
        """Return ids of connections of whose schedule Temporal does not know the newest version."""
        table = tables.connections
        query = select(table.c.id).where(table.c.schedule_synced < table.c.schedule_version).limit(limit)
        return list((await self._connection.execute(query)).scalars())

    async def mark_synced(self, identifier: str, version: int) -> None:
        """Remember that Temporal knows `version` of a connection's schedule."""
        table = tables.connections
        await self._connection.execute(update(table).where(table.c.id == identifier).values(schedule_synced=version))

    async def removed_schedules(self, limit: int) -> Sequence[str]:
        """Return ids of deleted connections whose schedules Temporal may still hold."""
        return list(
            (await self._connection.execute(select(tables.removed_schedules.c.connection).limit(limit))).scalars()
        )

    async def forget_removed(self, identifier: str) -> None:
        """Remember that the schedule of a deleted connection is gone."""
        removed = tables.removed_schedules
        await self._connection.execute(delete(removed).where(removed.c.connection == identifier))


class PositionRows:
    """What is known of each stream of a connection between jobs."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, connection: str) -> Mapping[StreamName, StreamPosition]:
        """Return the positions of a connection, by stream name."""
        table = tables.positions
        query = select(table).where(table.c.connection == connection)
        positions = [_position(row) for row in (await self._connection.execute(query)).mappings()]
        return {position.name: position for position in sorted(positions, key=lambda item: item.name)}

    async def put(self, connection: str, position: StreamPosition) -> None:
        """Store a position in place of the one before."""
        table = tables.positions
        await self._connection.execute(
            delete(table).where(
                table.c.connection == connection,
                table.c.namespace == position.name.namespace,
                table.c.name == position.name.name,
            )
        )
        await self._connection.execute(
            insert(table).values(
                connection=connection,
                namespace=position.name.namespace,
                name=position.name.name,
                state=position.state,
                state_version=position.state_version,
                generation=position.generation,
                minimum_generation=position.minimum_generation,
                ipc_schema=position.ipc_schema,
                update_time=micros(position.update_time),
            )
        )


def _connection(row: RowMapping) -> Connection:
    return Connection(
        id=row["id"],
        source=row["source"],
        destination=row["destination"],
        streams=decode_selections(row["streams"]),
        schedule=decode_schedule(row["schedule"]),
        paused=row["paused"],
        schema_change_policy=SchemaChangePolicy(row["schema_change_policy"]),
        settings=decode_settings(row["settings"]),
        etag=row["etag"],
        create_time=from_micros(row["create_time"]),
        update_time=from_micros(row["update_time"]),
        schedule_version=row["schedule_version"],
    )


def _connection_values(connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "source": connection.source,
        "destination": connection.destination,
        "streams": encode_selections(connection.streams),
        "schedule": encode_schedule(connection.schedule),
        "paused": connection.paused,
        "schema_change_policy": int(connection.schema_change_policy),
        "settings": encode_settings(connection.settings),
        "etag": connection.etag,
        "schedule_version": connection.schedule_version,
        "create_time": micros(connection.create_time),
        "update_time": micros(connection.update_time),
    }


def _position(row: RowMapping) -> StreamPosition:
    return StreamPosition(
        name=StreamName(row["namespace"], row["name"]),
        state=row["state"],
        state_version=row["state_version"],
        generation=row["generation"],
        minimum_generation=row["minimum_generation"],
        ipc_schema=row["ipc_schema"],
        update_time=from_micros(row["update_time"]),
    )
