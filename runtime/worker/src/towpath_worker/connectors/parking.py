"""Destinations that a job will need again in a moment: the transfer parks its own, the publication takes it.

Parking is a shortcut and never a promise: whoever finds nothing launches the connector anew. So the publication may run
on another worker, after a crash, or with a configuration that was changed meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog
from towpath.runtime.v1 import worker_pb2

from towpath_worker.connectors.connector import Connector

__all__ = ["Parking"]

_SECONDS = 10.0
"""How long a connector waits to be taken: the publication follows the transfer within a second, or elsewhere."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Parked:
    launch: worker_pb2.ConnectorLaunch
    connector: Connector
    running: AsyncExitStack
    leaving: asyncio.Task[None]


class Parking:
    """Running destinations by job. All of it on one loop; `close` stops what nobody took."""

    def __init__(self) -> None:
        self._parked: dict[str, _Parked] = {}

    def park(self, job: str, launch: worker_pb2.ConnectorLaunch, connector: Connector, running: AsyncExitStack) -> None:
        """Keep a connector for the publication of `job`; closing `running` stops it."""
        connector.log_to(None)
        leaving = asyncio.create_task(self._leave(job))
        self._parked[job] = _Parked(launch, connector, running, leaving)

    async def take(self, job: str, launch: worker_pb2.ConnectorLaunch) -> tuple[Connector, AsyncExitStack] | None:
        """Return the connector of a job, and what stops it; None when there is none that was launched just so."""
        parked = self._parked.pop(job, None)
        if parked is None:
            return None
        parked.leaving.cancel()
        if parked.launch == launch:
            return parked.connector, parked.running
        await parked.running.aclose()
        return None

    async def close(self) -> None:
        """Stop what is parked."""
        while self._parked:
            _, parked = self._parked.popitem()
            parked.leaving.cancel()
            await parked.running.aclose()

    async def _leave(self, job: str) -> None:
        await asyncio.sleep(_SECONDS)
        parked = self._parked.pop(job, None)
        if parked is not None:
            _log.info("nobody came for a parked destination", job=job)
            await parked.running.aclose()
