"""Keeps connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import structlog
from towpath_sdk.errors import Misconfigured, TowpathError
from towpath_sdk.states import with_checksum

from towpath_server.domain.connection import Connection, SchemaChangePolicy, Settings, StreamPosition, checked_settings
from towpath_server.domain.connector import Endpoint, Role
from towpath_server.domain.generations import reset
from towpath_server.domain.ids import new_token
from towpath_server.domain.job import Job
from towpath_server.domain.names import check_id, id_of
from towpath_server.domain.pages import page_size, page_start, page_token
from towpath_server.domain.schedule import Schedule, check_schedule
from towpath_server.domain.schema_change import SchemaChange
from towpath_server.domain.selection import WantedStream, check_selection, select_all, with_defaults
from towpath_server.domain.streams import CatalogStream, StreamName, StreamSelection, WriteMode
from towpath_server.use_cases.audit import record
from towpath_server.use_cases.endpoints import Endpoints
from towpath_server.use_cases.problems import AlreadyExists, JobActive, no_such
from towpath_server.use_cases.requests import check_etag, fields_to_change, now, remember, served_before
from towpath_server.use_cases.schedules import Schedules
from towpath_server.use_cases.store import Records, Store

__all__ = ["Catalog", "ConnectionView", "Connections", "WantedConnection"]

_log = structlog.get_logger()

_CHANGEABLE = frozenset({"streams", "schedule", "schema_change_policy", "settings"})
_FIXED = frozenset({"name", "source", "destination"})

Catalog: TypeAlias = Mapping[StreamName, CatalogStream]
"""What a source offers, by name."""


@dataclass(frozen=True)
class WantedConnection:
    """A connection as it was asked for; `source` and `destination` are resource names, `streams` may be empty."""

    source: str
    destination: str
    streams: tuple[WantedStream, ...]
    schedule: Schedule
    schema_change_policy: SchemaChangePolicy
    settings: Settings
    etag: str = ""


@dataclass(frozen=True)
class ConnectionView:
    """A connection with what belongs to it elsewhere: its latest job, and its next start."""

    connection: Connection
    last_job: Job | None
    next_run_time: datetime | None


class Connections:
    """Which streams go from a source to a destination, how and when."""

    def __init__(self, store: Store, sources: Endpoints, schedules: Schedules) -> None:
        self._store = store
        self._sources = sources
        self._schedules = schedules

    async def create(
        self, identifier: str, wanted: WantedConnection, request_id: str, remaining: float | None
    ) -> ConnectionView:
        """Connect a source with a destination; discovers the source unless its catalog is known."""
        check_id("connection_id", identifier)
        check_schedule(wanted.schedule)
        checked_settings(wanted.settings)
        name = f"connections/{identifier}"
        source = id_of("sources", wanted.source, "connection.source")
        destination = id_of("destinations", wanted.destination, "connection.destination")
        async with self._store.read() as records:
            if await served_before(records, "CreateConnection", request_id, name) is not None:
                return await self._view(records, await _existing(records, identifier))
            if await records.connections.find(identifier) is not None:
                raise AlreadyExists(name)
            await _endpoint(records, Role.SOURCE, source)
            modes = await _write_modes(records, await _endpoint(records, Role.DESTINATION, destination))
        streams = await self._select(source, wanted.streams, modes, remaining)
        time = now()
        connection = Connection(
            id=identifier,
            source=source,
            destination=destination,
            streams=streams,
            schedule=wanted.schedule,
            paused=False,
            schema_change_policy=wanted.schema_change_policy,
            settings=wanted.settings,
            etag=new_token(),
            create_time=time,
            update_time=time,
        )
        async with self._store.write() as records:
            await _endpoint(records, Role.SOURCE, source, lock=True)
            await _endpoint(records, Role.DESTINATION, destination, lock=True)
            await records.connections.add(connection)
            await remember(records, "CreateConnection", request_id, name, name)
            await record(records, "create", name, source=wanted.source, destination=wanted.destination)
        await self._schedules.settle(identifier)
        return ConnectionView(connection, None, await self._schedules.next_run_time(connection))

    async def selected(
        self, wanted: WantedConnection, remaining: float | None
    ) -> tuple[tuple[StreamSelection, ...], Catalog]:
        """Return what `create` would select, and what it was checked against; store nothing.

        Raises what `create` raises, and what the source fails with where its catalog is not known.
        """
        source = id_of("sources", wanted.source, "connection.source")
        destination = id_of("destinations", wanted.destination, "connection.destination")
        async with self._store.read() as records:
            await _endpoint(records, Role.SOURCE, source)
            modes = await _write_modes(records, await _endpoint(records, Role.DESTINATION, destination))
        return await self._checked(source, wanted.streams, modes, remaining)

    async def get(self, identifier: str) -> ConnectionView:
        """Return one connection. Raises NotFound."""
        async with self._store.read() as records:
            connection = await _existing(records, identifier)
            last = await records.jobs.latest([identifier])
        return ConnectionView(connection, last.get(identifier), await self._schedules.next_run_time(connection))

    async def page(self, size: int, token: str) -> tuple[Sequence[ConnectionView], str]:
        """Return connections by id, and the token of the next page."""
        limit, start = page_size(size), page_start("connections", token)
        async with self._store.read() as records:
            found = await records.connections.page(start, limit + 1)
            page = found[:limit]
            last = await records.jobs.latest([connection.id for connection in page])
        times = await self._schedules.next_run_times(page)
        views = [ConnectionView(connection, last.get(connection.id), times.get(connection.id)) for connection in page]
        return views, page_token("connections", page[-1].id) if len(found) > limit else ""

    async def update(
        self, identifier: str, wanted: WantedConnection, mask: Sequence[str], remaining: float | None
    ) -> ConnectionView:
        """Change streams, schedule, policy or settings; what a running job began with stays."""
        fields = fields_to_change(mask, _CHANGEABLE, fixed=_FIXED)
        async with self._store.read() as records:
            present = await _existing(records, identifier)
            check_etag(present.name, wanted.etag, present.etag)
            _check_fixed(present, wanted)
            modes = await _write_modes(records, await _endpoint(records, Role.DESTINATION, present.destination))
        changed = present
        if "schedule" in fields:
            check_schedule(wanted.schedule)
            changed = replace(changed, schedule=wanted.schedule)
        if "settings" in fields:
            changed = replace(changed, settings=checked_settings(wanted.settings))
        if "schema_change_policy" in fields:
            changed = replace(changed, schema_change_policy=wanted.schema_change_policy)
        if "streams" in fields:
            streams = await self._select(present.source, wanted.streams, modes, remaining)
            changed = replace(changed, streams=streams)
        changed = replace(changed, etag=new_token(), update_time=now(), schedule_version=present.schedule_version + 1)
        async with self._store.write() as records:
            locked = await records.connections.find(identifier, lock=True)
            if locked is None:
                raise no_such(present.name)
            check_etag(present.name, present.etag, locked.etag)
            await _reset_changed(records, locked, changed)
            await records.connections.save(changed)
            await record(records, "update", changed.name, fields=", ".join(sorted(fields)))
        await self._schedules.settle(identifier)
        return await self.get(identifier)

    async def delete(self, identifier: str) -> None:
        """Remove a connection with its schedule, positions and jobs."""
        async with self._store.write() as records:
            connection = await _existing(records, identifier, lock=True)
            await _refuse_active(records, connection)
            await records.connections.remove(identifier)
            await record(records, "delete", connection.name)
        await self._schedules.settle(identifier)

    async def pause(self, identifier: str, *, paused: bool) -> ConnectionView:
        """Stop or start the schedule; safe to repeat."""
        async with self._store.write() as records:
            connection = await _existing(records, identifier, lock=True)
            if connection.paused != paused:
                version = connection.schedule_version + 1
                connection = replace(
                    connection, paused=paused, etag=new_token(), update_time=now(), schedule_version=version
                )
                await records.connections.save(connection)
                await record(records, "pause" if paused else "resume", connection.name)
        await self._schedules.settle(identifier)
        return await self.get(identifier)

    async def positions(self, identifier: str) -> Sequence[StreamPosition]:
        """Return what is known of each stream that ever ran, by name."""
        async with self._store.read() as records:
            await _existing(records, identifier)
            return list((await records.positions.of(identifier)).values())

    async def reset_position(self, identifier: str, stream: StreamName) -> StreamPosition:
        """Drop the state of one stream; its next run writes a new generation."""
        async with self._store.write() as records:
            connection = await _existing(records, identifier, lock=True)
            await _refuse_active(records, connection)
            position = reset(await _position(records, identifier, stream), now())
            await records.positions.put(identifier, position)
            await record(records, "reset state", connection.name, stream=str(stream))
        return position

    async def update_position(
        self, identifier: str, stream: StreamName, state: bytes, version: int, etag: str
    ) -> StreamPosition:
        """Let the next run of one stream go on from another state; `version` 0 keeps the stored one's.

        Raises Outdated when the position is not the one of `etag` any more.
        """
        if not etag:
            problem = "say which state you replace: list the states, and give the etag of this one"
            raise Misconfigured(problem, reason="MISSING_ETAG", fields={"etag": problem})
        if not state:
            problem = "is empty; to read the stream from the start, reset it"
            raise Misconfigured(f"the state {problem}", reason="INVALID_STATE", fields={"state": problem})
        try:
            state = with_checksum(state)
        except Misconfigured as error:
            fields = {"state": error.message}
            raise Misconfigured(error.message, reason=error.reason, fields=fields) from error
        async with self._store.write() as records:
            connection = await _existing(records, identifier, lock=True)
            await _refuse_active(records, connection)
            position = await _position(records, identifier, stream)
            check_etag(f"the state of {stream}", etag, position.etag)
            if not position.state:
                problem = f"{stream} has no position: its next run reads it from the start"
                raise Misconfigured(problem, reason="NO_STATE", fields={"stream": problem})
            position = replace(
                position, state=state, state_version=version or position.state_version, update_time=now()
            )
            await records.positions.put(identifier, position)
            await record(records, "update state", connection.name, stream=str(stream))
        return position

    async def schema_changes(self, identifier: str, size: int, token: str) -> tuple[Sequence[SchemaChange], str]:
        """Return what jobs found changed in the schemas of streams, newest first, and the token of the next page."""
        listing = f"schema changes of {identifier}"
        limit, start = page_size(size), page_start(listing, token)
        async with self._store.read() as records:
            await _existing(records, identifier)
            found = await records.schema_changes.page(identifier, start, limit + 1)
        return found[:limit], page_token(listing, found[limit - 1].id) if len(found) > limit else ""

    async def _view(self, records: Records, connection: Connection) -> ConnectionView:
        last = await records.jobs.latest([connection.id])
        return ConnectionView(connection, last.get(connection.id), await self._schedules.next_run_time(connection))

    async def _select(
        self, source: str, wanted: Sequence[WantedStream], modes: Sequence[WriteMode], remaining: float | None
    ) -> tuple[StreamSelection, ...]:
        """Select streams, those too that the source cannot be asked about now: the job will say what does not exist."""
        try:
            return (await self._checked(source, wanted, modes, remaining))[0]
        except Misconfigured:
            raise
        except TowpathError as error:
            if not wanted:
                raise
            _log.warning("selection not checked against the source", source=source, reason=error.reason)
            return tuple(with_defaults(stream) for stream in wanted)

    async def _checked(
        self, source: str, wanted: Sequence[WantedStream], modes: Sequence[WriteMode], remaining: float | None
    ) -> tuple[tuple[StreamSelection, ...], Catalog]:
        """Select streams, all when none are wanted, and return what they were checked against."""
        if not wanted:
            found = await self._sources.fresh_catalog(source, remaining)
            streams, catalog = select_all(found, modes), _by_name(found)
            check_selection(streams, modes, catalog)
            return streams, catalog
        streams = tuple(with_defaults(stream) for stream in wanted)
        check_selection(streams, modes, None)
        known = await self._sources.known_catalog(source)
        if known is not None:
            catalog = _by_name(known)
            try:
                check_selection(streams, modes, catalog)
            except Misconfigured:
                # The source may have changed since: only what it shows now is held against the selection.
                _log.info("selection does not match the known catalog; discovering", source=source)
            else:
                return streams, catalog
        catalog = _by_name(await self._sources.fresh_catalog(source, remaining))
        check_selection(streams, modes, catalog)
        return streams, catalog


async def _existing(records: Records, identifier: str, *, lock: bool = False) -> Connection:
    connection = await records.connections.find(identifier, lock=lock)
    if connection is None:
        raise no_such(f"connections/{identifier}")
    return connection


async def _position(records: Records, identifier: str, stream: StreamName) -> StreamPosition:
    known = await records.positions.of(identifier)
    position = known.get(stream)
    if position is None:
        problem = f"no state of {stream} is stored; choose one of: {', '.join(map(str, known)) or 'none yet'}"
        raise Misconfigured(problem, reason="UNKNOWN_STREAM", fields={"stream": problem})
    return position


async def _endpoint(records: Records, role: Role, identifier: str, *, lock: bool = False) -> Endpoint:
    endpoint = await records.endpoints(role).find(identifier, lock=lock)
    if endpoint is None:
        raise no_such(f"{role.collection}/{identifier}")
    return endpoint


async def _write_modes(records: Records, destination: Endpoint) -> Sequence[WriteMode]:
    connector = await records.connectors.find(destination.connector)
    return () if connector is None else connector.spec.write_modes


async def _refuse_active(records: Records, connection: Connection) -> None:
    active = await records.jobs.active_of(connection.id)
    if active is not None:
        raise JobActive(connection.name, active.name)


async def _reset_changed(records: Records, before: Connection, after: Connection) -> None:
    """Reset the position of every stream that is read in another way from now on.

    Other columns alone are no reason to start over, but the schema of the last run says nothing about them.
    """
    old = {stream.name: stream for stream in before.streams}
    positions = await records.positions.of(before.id)
    for stream in after.streams:
        was, position = old.get(stream.name), positions.get(stream.name)
        if was is None or position is None:
            continue
        if not stream.reads_like(was):
            await records.positions.put(before.id, reset(position, now()))
        elif stream.columns != was.columns:
            await records.positions.put(before.id, replace(position, ipc_schema=b"", update_time=now()))


def _check_fixed(present: Connection, wanted: WantedConnection) -> None:
    for field, given, stored in (
        ("source", wanted.source, f"sources/{present.source}"),
        ("destination", wanted.destination, f"destinations/{present.destination}"),
    ):
        if given and given != stored:
            problem = f"is {stored} and cannot be changed; create another connection"
            raise Misconfigured(
                f"connection.{field} is immutable", reason="IMMUTABLE", fields={f"connection.{field}": problem}
            )


def _by_name(catalog: Sequence[CatalogStream]) -> Catalog:
    return {stream.name: stream for stream in catalog}
