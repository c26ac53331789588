"""Containers, for a worker that may never start one.

Docker's SDK takes a tenth of a worker's start: it is loaded with the first image, or because there is an engine that
dead workers may have left something at.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from towpath_worker.launch.docker.policy import ContainerPolicy
from towpath_worker.launch.port import Launch, Launcher, Running
from towpath_worker.launch.run_dir import RunDir

if TYPE_CHECKING:
    from towpath_worker.launch.docker.engine import Engine

__all__ = ["Containers"]

_SYSTEM_ENGINE = Path("/var/run/docker.sock")
_LOOK_SECONDS = 30.0


class Containers:
    """Starts images, and removes what dead workers left. `base` is the folder that workers' folders lie in."""

    def __init__(
        self, run_dir: RunDir, base: Path, policy: ContainerPolicy, environ: Mapping[str, str], *, start_timeout: float
    ) -> None:
        self._run_dir = run_dir
        self._base = base
        self._policy = policy
        self._environ = environ
        self._start_timeout = start_timeout
        self._loaded: tuple[Engine, Launcher] | None = None

    @property
    def loaded(self) -> bool:
        """Whether Docker's SDK was needed by now."""
        return self._loaded is not None

    @asynccontextmanager
    async def launch(self, launch: Launch) -> AsyncGenerator[Running]:
        """Start a connector from its image; see `Launcher.launch`."""
        _, launcher = self._load()
        async with launcher.launch(launch) as running:
            yield running

    async def reap(self) -> None:
        """Remove what dead workers left, now and again, until cancelled."""
        while not self.loaded and not _may_be_there():  # noqa: ASYNC110 - nobody could tell us; to look is quick
            await asyncio.sleep(_LOOK_SECONDS)
        engine, _ = self._load()
        from towpath_worker.launch.docker.reaper import Reaper  # noqa: PLC0415 - see above

        await Reaper(engine, self._base).run()

    def close(self) -> None:
        """Let go of the engine."""
        if self._loaded is not None:
            self._loaded[0].close()

    def _load(self) -> tuple[Engine, Launcher]:
        if self._loaded is None:
            from towpath_worker.launch.docker.engine import Engine  # noqa: PLC0415 - see above
            from towpath_worker.launch.docker.launcher import DockerLauncher  # noqa: PLC0415 - see above

            engine = Engine()
            launcher = DockerLauncher(
                engine, self._run_dir, self._policy, self._environ, start_timeout=self._start_timeout
            )
            self._loaded = engine, launcher
        return self._loaded


def _may_be_there() -> bool:
    """Say whether an engine may answer: one is named, or the system's has its socket."""
    return bool(os.environ.get("DOCKER_HOST")) or _SYSTEM_ENGINE.exists()
