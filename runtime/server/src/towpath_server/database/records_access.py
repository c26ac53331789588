"""Rows of API tokens and of the audit trail."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import from_micros, from_optional_micros, micros, optional_micros
from towpath_server.domain.access import ApiToken, Caller, TokenRole
from towpath_server.domain.audit import AuditEvent
from towpath_server.use_cases.problems import AlreadyExists

__all__ = ["AuditRows", "TokenRows"]


class TokenRows:
    """API tokens, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, identifier: str, *, lock: bool = False) -> ApiToken | None:
        """Return a token, None when there is none; `lock` keeps others from changing it until the end."""
        query = select(tables.tokens).where(tables.tokens.c.id == identifier)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).mappings().first()
        return None if row is None else _token(row)

    async def of_hash(self, digest: str) -> ApiToken | None:
        """Return the token whose secret has this hash, also one that has ended."""
        query = select(tables.tokens).where(tables.tokens.c.hash == digest)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _token(row)

    async def page(self, after: str, limit: int) -> Sequence[ApiToken]:
        """Return up to `limit` tokens by id, after the id `after`."""
        table = tables.tokens
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        return [_token(row) for row in (await self._connection.execute(query)).mappings()]

    async def of_role(self, role: TokenRole) -> Sequence[ApiToken]:
        """Return every token of a role that was not revoked."""
        table = tables.tokens
        query = select(table).where(table.c.role == int(role), table.c.revoke_time.is_(None))
        return [_token(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, token: ApiToken) -> None:
        """Insert a token. Raises AlreadyExists."""
        try:
            await self._connection.execute(
                insert(tables.tokens).values(
                    id=token.id,
                    role=int(token.role),
                    description=token.description,
                    hash=token.hash,
                    creator=token.creator,
                    create_time=micros(token.create_time),
                    expire_time=optional_micros(token.expire_time),
                    revoke_time=optional_micros(token.revoke_time),
                )
            )
        except IntegrityError as error:
            raise AlreadyExists(token.name) from error

    async def save(self, token: ApiToken) -> None:
        """Store when a token was revoked: nothing else of it ever changes."""
        table = tables.tokens
        await self._connection.execute(
            update(table).where(table.c.id == token.id).values(revoke_time=optional_micros(token.revoke_time))
        )


class AuditRows:
    """Events of the audit trail, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, event: AuditEvent) -> None:
        """Insert an event."""
        await self._connection.execute(
            insert(tables.audit_events).values(
                id=event.id,
                time=micros(event.time),
                actor=event.caller.name,
                role=int(event.caller.role),
                peer=event.caller.peer,
                action=event.action,
                resource=event.resource,
                details=json.dumps(dict(event.details), ensure_ascii=False),
            )
        )

    async def page(self, resource: str, actor: str, before: str, limit: int) -> Sequence[AuditEvent]:
        """Return up to `limit` events, newest first, older than the id `before`; empty texts mean all."""
        table = tables.audit_events
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        for column, wanted in ((table.c.resource, resource), (table.c.actor, actor)):
            if wanted:
                query = query.where(column == wanted)
        if before:
            query = query.where(table.c.id < before)
        return [_event(row) for row in (await self._connection.execute(query)).mappings()]


def _token(row: RowMapping) -> ApiToken:
    return ApiToken(
        id=row["id"],
        role=TokenRole(row["role"]),
        description=row["description"],
        hash=row["hash"],
        creator=row["creator"],
        create_time=from_micros(row["create_time"]),
        expire_time=from_optional_micros(row["expire_time"]),
        revoke_time=from_optional_micros(row["revoke_time"]),
    )


def _event(row: RowMapping) -> AuditEvent:
    return AuditEvent(
        id=row["id"],
        time=from_micros(row["time"]),
        caller=Caller(row["actor"], TokenRole(row["role"]), peer=row["peer"]),
        action=row["action"],
        resource=row["resource"],
        details=json.loads(row["details"]),
    )
