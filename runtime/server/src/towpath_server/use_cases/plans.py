"""Asks a destination what it would make of a connection that somebody is still thinking about."""

from __future__ import annotations

import time
from dataclasses import replace

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.names import id_of
from towpath_server.domain.task import TaskKind, Work
from towpath_server.use_cases.connections import Connections, WantedConnection
from towpath_server.use_cases.endpoints import Endpoints, answer_of
from towpath_server.use_cases.tasks import ConnectorTasks

__all__ = ["Plans"]

_MOST_STREAMS = 1000


class Plans:
    """Plans connections; nothing is stored, and nothing changes at the destination."""

    def __init__(self, connections: Connections, destinations: Endpoints, tasks: ConnectorTasks) -> None:
        self._connections = connections
        self._destinations = destinations
        self._tasks = tasks

    async def plan(self, wanted: WantedConnection, remaining: float | None) -> bytes:
        """Return a serialized PlanConnectionResponse; `remaining` is the caller's time in seconds.

        Raises what `Connections.create` raises for streams that cannot be selected, and what the connectors fail with.
        """
        began = time.monotonic()

        def left() -> float | None:
            return None if remaining is None else remaining - (time.monotonic() - began)

        selections, offered = await self._connections.selected(wanted, remaining)
        if len(selections) > _MOST_STREAMS:
            problem = f"{len(selections)} streams are more than {_MOST_STREAMS}; plan some of them"
            raise Misconfigured(problem, reason="TOO_MANY_STREAMS", fields={"connection.streams": problem})
        streams = tuple(
            replace(selection, primary_key=selection.primary_key or offered[selection.name].primary_key)
            for selection in selections
        )
        schemas = tuple(offered[selection.name].ipc_schema for selection in selections)
        _, launch = await self._destinations.launch(id_of("destinations", wanted.destination))
        work = Work(streams, ipc_schemas=schemas)
        return answer_of(await self._tasks.run(TaskKind.PLAN, launch, left(), work))
