"""Rows of connectors, sources and destinations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import from_micros, micros
from towpath_server.database.programs import decode_program, encode_program
from towpath_server.database.sealing import Sealer
from towpath_server.domain.connector import Connector, Endpoint, Role, Spec
from towpath_server.domain.json_text import dump, load_object
from towpath_server.domain.streams import WriteMode
from towpath_server.use_cases.problems import AlreadyExists

__all__ = ["ConnectorRows", "EndpointRows"]


class ConnectorRows:
    """Connectors, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, identifier: str, *, lock: bool = False) -> Connector | None:
        """Return a connector, None when there is none; `lock` keeps others from changing it until the end."""
        query = select(tables.connectors).where(tables.connectors.c.id == identifier)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).mappings().first()
        return None if row is None else _connector(row)

    async def page(self, after: str, limit: int) -> Sequence[Connector]:
        """Return up to `limit` connectors by id, after the id `after`."""
        table = tables.connectors
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        return [_connector(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, connector: Connector) -> None:
        """Insert a connector. Raises AlreadyExists."""
        try:
            await self._connection.execute(insert(tables.connectors).values(_connector_values(connector)))
        except IntegrityError as error:
            raise AlreadyExists(connector.name) from error

    async def save(self, connector: Connector) -> None:
        """Store every field of a connector that exists."""
        table = tables.connectors
        await self._connection.execute(
            update(table).where(table.c.id == connector.id).values(_connector_values(connector))
        )

    async def remove(self, identifier: str) -> None:
        """Delete a connector that nothing uses."""
        await self._connection.execute(delete(tables.connectors).where(tables.connectors.c.id == identifier))

    async def user_of(self, identifier: str) -> str | None:
        """Return the resource name of a source or destination that uses a connector."""
        for role in Role:
            table = _table(role)
            query = select(table.c.id).where(table.c.connector == identifier).order_by(table.c.id).limit(1)
            user = (await self._connection.execute(query)).scalar()
            if user is not None:
                return f"{role.collection}/{user}"
        return None


class EndpointRows:
    """Sources or destinations, within one transaction; configurations are sealed at rest, and open in memory."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer, role: Role) -> None:
        self._connection = connection
        self._sealer = sealer
        self._role = role
        self._table = _table(role)

    async def find(self, identifier: str, *, lock: bool = False) -> Endpoint | None:
        """Return an endpoint, None when there is none; `lock` keeps others from changing it until the end."""
        query = select(self._table).where(self._table.c.id == identifier)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).mappings().first()
        return None if row is None else self._endpoint(row)

    async def page(self, after: str, limit: int) -> Sequence[Endpoint]:
        """Return up to `limit` endpoints by id, after the id `after`."""
        query = select(self._table).where(self._table.c.id > after).order_by(self._table.c.id).limit(limit)
        return [self._endpoint(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, endpoint: Endpoint) -> None:
        """Insert an endpoint. Raises AlreadyExists."""
        try:
            await self._connection.execute(insert(self._table).values(self._values(endpoint)))
        except IntegrityError as error:
            raise AlreadyExists(endpoint.name) from error

    async def save(self, endpoint: Endpoint) -> None:
        """Store every field of an endpoint that exists."""
        await self._connection.execute(
            update(self._table).where(self._table.c.id == endpoint.id).values(self._values(endpoint))
        )

    async def remove(self, identifier: str) -> None:
        """Delete an endpoint that no connection uses."""
        await self._connection.execute(delete(self._table).where(self._table.c.id == identifier))

    async def user_of(self, identifier: str) -> str | None:
        """Return the resource name of a connection that uses an endpoint."""
        column = tables.connections.c[self._role.value]
        query = select(tables.connections.c.id).where(column == identifier).order_by(tables.connections.c.id).limit(1)
        user = (await self._connection.execute(query)).scalar()
        return None if user is None else f"connections/{user}"

    async def reseal(self) -> int:
        """Seal anew, with the first key, what was sealed with an older one; returns how many rows that were."""
        query = select(self._table.c.id, self._table.c.config).with_for_update()
        resealed = 0
        for identifier, sealed in (await self._connection.execute(query)).all():
            if self._sealer.is_current(sealed):
                continue
            place = self._place(identifier)
            value = self._sealer.seal(place, self._sealer.open(place, sealed))
            await self._connection.execute(
                update(self._table).where(self._table.c.id == identifier).values(config=value)
            )
            resealed += 1
        return resealed

    def _place(self, identifier: str) -> str:
        return f"{self._role.collection}/{identifier}/config"

    def _endpoint(self, row: RowMapping) -> Endpoint:
        clear = self._sealer.open(self._place(row["id"]), row["config"])
        return Endpoint(
            role=self._role,
            id=row["id"],
            connector=row["connector"],
            config=load_object(clear.decode(), "config_json"),
            etag=row["etag"],
            create_time=from_micros(row["create_time"]),
            update_time=from_micros(row["update_time"]),
        )

    def _values(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            "id": endpoint.id,
            "connector": endpoint.connector,
            "config": self._sealer.seal(self._place(endpoint.id), dump(endpoint.config).encode()),
            "etag": endpoint.etag,
            "create_time": micros(endpoint.create_time),
            "update_time": micros(endpoint.update_time),
        }


def _table(role: Role) -> Table:
    return tables.sources if role is Role.SOURCE else tables.destinations


def _connector(row: RowMapping) -> Connector:
    return Connector(
        id=row["id"],
        program=decode_program(row),
        spec=Spec(
            wire=row["spec"],
            roles=frozenset(Role(value) for value in json.loads(row["roles"])),
            schema_text=row["config_schema"],
            write_modes=tuple(WriteMode(value) for value in json.loads(row["write_modes"])),
        ),
        etag=row["etag"],
        create_time=from_micros(row["create_time"]),
        update_time=from_micros(row["update_time"]),
    )


def _connector_values(connector: Connector) -> dict[str, Any]:
    return {
        "id": connector.id,
        **encode_program(connector.program),
        "spec": connector.spec.wire,
        "roles": json.dumps(sorted(role.value for role in connector.spec.roles)),
        "config_schema": connector.spec.schema_text,
        "write_modes": json.dumps([int(mode) for mode in connector.spec.write_modes]),
        "etag": connector.etag,
        "create_time": micros(connector.create_time),
        "update_time": micros(connector.update_time),
    }
