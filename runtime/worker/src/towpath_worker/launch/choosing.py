"""Which launcher starts a connector: its registration names a command or an image."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from towpath_sdk.errors import Misconfigured, Owner

from towpath_worker.launch.port import Launch, Launcher, Running

__all__ = ["ChoosingLauncher"]


class ChoosingLauncher:
    """Starts commands with one launcher and images with another; None where this worker does not do that."""

    def __init__(self, commands: Launcher | None, images: Launcher | None) -> None:
        self._commands = commands
        self._images = images

    @asynccontextmanager
    async def launch(self, launch: Launch) -> AsyncGenerator[Running]:
        """Start a connector; see `Launcher.launch`. Misconfigured when this worker's settings exclude its kind."""
        launcher = self._images if launch.image else self._commands
        if launcher is None:
            kind, wanted = ("images", "docker") if launch.image else ("commands", "process")
            raise Misconfigured(
                f"{launch.name}: this worker starts no {kind}; set TOWPATH_WORKER_LAUNCHER to any, or to {wanted}",
                reason="LAUNCHER_NOT_ALLOWED",
                owner=Owner.PLATFORM,
            )
        async with launcher.launch(launch) as running:
            yield running
