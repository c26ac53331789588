"""Removes what dead workers of this machine left at the engine; never what belongs to a worker that lives.

Every container and network carries the folder of the worker that made it, which holds a lock for as long as it lives.
Only workers of this machine with the same base folder are judged: those of another user, or another installation, have
another one, and nobody here can tell whether those of another machine live.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import structlog
from docker.errors import APIError, NotFound
from towpath_sdk.errors import Unavailable

from towpath_worker.launch.docker.engine import Engine
from towpath_worker.launch.docker.labels import RUN_DIR, is_of_this_machine
from towpath_worker.launch.run_dir import is_dead

__all__ = ["Reaper"]

_ROUND_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class Reaper:
    """Looks after the engine for as long as a worker lives. `base` is the folder that workers' folders lie in."""

    def __init__(self, engine: Engine, base: Path) -> None:
        self._engine = engine
        self._base = base

    async def run(self) -> None:
        """Reap now and every 30 s, until cancelled. Without an engine there is nothing to do."""
        while True:
            # Another round comes; a worker without an engine may well be one that needs none.
            with contextlib.suppress(Unavailable, APIError):
                await self.reap()
            await asyncio.sleep(_ROUND_SECONDS)

    async def reap(self) -> int:
        """Remove what dead workers left; return how many containers that were."""
        return await self._engine.run(self._reap)

    def _reap(self, client: Any) -> int:
        marked = {"label": RUN_DIR}
        containers = [
            one
            for one in client.containers.list(all=True, filters=marked, ignore_removed=True)
            if self._left(one.labels)
        ]
        for container in containers:
            with contextlib.suppress(NotFound):
                container.remove(force=True, v=True)
        networks = [one for one in client.networks.list(filters=marked) if self._left(one.attrs["Labels"])]
        for network in networks:
            with contextlib.suppress(NotFound):
                network.remove()
        if containers or networks:
            _log.info("removed what dead workers left", containers=len(containers), networks=len(networks))
        return len(containers)

    def _left(self, labels: Any) -> bool:
        folder = Path(labels[RUN_DIR])
        return is_of_this_machine(labels) and folder.parent == self._base and is_dead(folder)
