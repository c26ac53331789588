"""Asks a destination what it would make of a connection that somebody is still thinking about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.names import id_of
from towpath_server.domain.selection import choices
from towpath_server.domain.streams import CatalogStream, StreamName, StreamSelection
from towpath_server.domain.task import TaskKind, Work
from towpath_server.use_cases.connections import Connections, WantedConnection
from towpath_server.use_cases.endpoints import Endpoints, answer_of
from towpath_server.use_cases.tasks import ConnectorTasks

__all__ = ["Plans"]

_MOST_STREAMS = 1000


class Plans:
    """Plans connections; nothing is stored, and nothing changes at the destination."""

    def __init__(
        self, connections: Connections, sources: Endpoints, destinations: Endpoints, tasks: ConnectorTasks
    ) -> None:
        self._connections = connections
        self._sources = sources
        self._destinations = destinations
        self._tasks = tasks

    async def plan(self, wanted: WantedConnection, remaining: float | None) -> bytes:
        """Return a serialized PlanConnectionResponse; `remaining` is the caller's time in seconds.

        Raises what `Connections.create` raises for streams that cannot be selected, and what the connectors fail with.
        """
        began = time.monotonic()

        def left() -> float | None:
            return None if remaining is None else remaining - (time.monotonic() - began)

        selections = await self._connections.selected(wanted, remaining)
        if len(selections) > _MOST_STREAMS:
            problem = f"{len(selections)} streams are more than {_MOST_STREAMS}; plan some of them"
            raise Misconfigured(problem, reason="TOO_MANY_STREAMS", fields={"connection.streams": problem})
        offered = await self._offered(id_of("sources", wanted.source), selections, left())
        streams = tuple(
            replace(selection, primary_key=selection.primary_key or offered[selection.name].primary_key)
            for selection in selections
        )
        schemas = tuple(offered[selection.name].ipc_schema for selection in selections)
        _, launch = await self._destinations.launch(id_of("destinations", wanted.destination))
        work = Work(streams, ipc_schemas=schemas)
        return answer_of(await self._tasks.run(TaskKind.PLAN, launch, left(), work))

    async def _offered(
        self, source: str, selections: Sequence[StreamSelection], remaining: float | None
    ) -> dict[StreamName, CatalogStream]:
        """Return what the source offers; it is discovered unless that is known and has every stream."""
        known = {stream.name: stream for stream in await self._sources.known_catalog(source) or ()}
        if all(selection.name in known for selection in selections):
            return known
        fresh = {stream.name: stream for stream in await self._sources.fresh_catalog(source, remaining)}
        gone = [str(name) for name in (selection.name for selection in selections) if name not in fresh]
        if gone:
            problem = f"the source has no stream {gone[0]}; choose one of: {choices(map(str, fresh))}"
            raise Misconfigured(problem, reason="UNKNOWN_STREAM", fields={"connection.streams": problem})
        return fresh
