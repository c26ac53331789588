"""Keeps Temporal's schedules in step with connections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from towpath_sdk.errors import TowpathError, Unavailable

from towpath_server.domain.connection import Connection
from towpath_server.use_cases.orchestrator import Orchestrator
from towpath_server.use_cases.store import Store

__all__ = ["Schedules"]

_log = structlog.get_logger()

_AT_ONCE = 16
_BATCH = 100
# A list of connections must not wait for a Temporal that is silent.
_PATIENCE_SECONDS = 3.0


class Schedules:
    """Every change of a schedule is stored first and told to Temporal then; what could not be told is told later."""

    def __init__(self, store: Store, orchestrator: Orchestrator) -> None:
        self._store = store
        self._orchestrator = orchestrator

    async def settle(self, connection: str) -> None:
        """Tell Temporal of one connection id now; when it does not answer, the caretaker will tell it."""
        try:
            await self._tell(connection)
        except TowpathError as error:
            _log.warning("schedule not settled yet", connection=connection, reason=error.reason, error=error.message)

    async def settle_rest(self) -> None:
        """Tell Temporal of whatever it was not told. Raises Unavailable when it still does not answer."""
        async with self._store.read() as records:
            late = [*await records.connections.unsynced(_BATCH), *await records.connections.removed_schedules(_BATCH)]
        for connection in late:
            try:
                await self._tell(connection)
            except Unavailable:
                raise
            except TowpathError as error:
                _log.error("schedule refused", connection=connection, reason=error.reason, error=error.message)

    async def audit(self) -> None:
        """Compare every schedule with what Temporal holds, and repair those that are missing or outdated."""
        after = ""
        while True:
            async with self._store.read() as records:
                page = await records.connections.page(after, _BATCH)
            for connection in page:
                await self._audit(connection)
            if len(page) < _BATCH:
                return
            after = page[-1].id

    async def next_run_time(self, connection: Connection) -> datetime | None:
        """Return the next start; None when there is none, or Temporal does not answer soon."""
        return (await self.next_run_times([connection])).get(connection.id)

    async def next_run_times(self, connections: Sequence[Connection]) -> Mapping[str, datetime]:
        """Return the next start of each connection that has one, as far as Temporal tells them soon."""
        scheduled = [connection for connection in connections if connection.schedule is not None]
        slots = asyncio.Semaphore(_AT_ONCE)
        found: dict[str, datetime] = {}

        async def look(connection: Connection) -> None:
            async with slots:
                view = await self._orchestrator.schedule(connection.id)
            if view is not None and view.next_time is not None:
                found[connection.id] = view.next_time

        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
                for connection in scheduled:
                    if not connection.paused:
                        group.create_task(look(connection))
        except* (TowpathError, TimeoutError):
            _log.warning("next runs not known", known=len(found), scheduled=len(scheduled))
        return found

    async def _tell(self, identifier: str) -> None:
        # Under a lock across servers: otherwise an older version could reach Temporal after a newer one.
        async with self._store.exclusive(f"schedule/{identifier}"):
            async with self._store.read() as records:
                connection = await records.connections.find(identifier)
            if connection is None:
                await self._orchestrator.remove_schedule(identifier)
            else:
                await self._orchestrator.put_schedule(connection)
            async with self._store.write() as records:
                if connection is None:
                    await records.connections.forget_removed(identifier)
                else:
                    await records.connections.mark_synced(identifier, connection.schedule_version)

    async def _audit(self, connection: Connection) -> None:
        view = await self._orchestrator.schedule(connection.id)
        held = None if view is None else view.version
        wanted = None if connection.schedule is None else connection.schedule_version
        if held != wanted:
            _log.info("schedule repaired", connection=connection.name, held=held, wanted=wanted)
            await self._tell(connection.id)
