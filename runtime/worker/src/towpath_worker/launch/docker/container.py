"""A connector that runs as a container."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, NotFound
from towpath_sdk.errors import Unavailable

from towpath_worker.launch.docker.attached import Attached
from towpath_worker.launch.docker.engine import Engine
from towpath_worker.launch.docker.reach import Endpoint
from towpath_worker.launch.lines import PrintedLines
from towpath_worker.launch.port import Ending, Launch

__all__ = ["RunningContainer", "Started"]

_SIGNALLED = 128
_SIGNALS = 64
_PAUSE = 0.2
_ENGINE_PATIENCE = 10.0
"""Seconds without an answer of the engine after which a container that nobody hears of counts as lost."""

MIB = 1024 * 1024


@dataclass(frozen=True)
class Started:
    """A container that was started: its id at the engine, its first process there, where it listens, what it prints."""

    id: str
    pid: int
    endpoint: Endpoint
    connection: socket.socket


class RunningContainer:
    """A container from its start to its end."""

    def __init__(self, engine: Engine, launch: Launch, token: str, started: Started, attached: Attached) -> None:
        self.name = launch.name
        self.endpoint = started.endpoint
        self.address = started.endpoint.address
        self.certificate = started.endpoint.certificate
        self.token = token
        self._engine = engine
        self._container = started.id
        self.pid = started.pid
        self._attached = attached
        self._lines = PrintedLines(launch.on_line)
        self._end = asyncio.create_task(self._wait())

    @property
    def last_lines(self) -> Sequence[str]:
        """What it printed last."""
        return self._lines.last

    async def ended(self) -> Ending:
        """Wait until the container has ended and its last lines are read."""
        return await asyncio.shield(self._end)

    async def stop(self, grace: float) -> None:
        """Ask it to end, and wait for at most `grace` seconds; whoever removes it ends it for good."""
        with contextlib.suppress(APIError, Unavailable):  # it has ended, or nobody can be asked
            await self._engine.run(lambda client: client.api.kill(self._container, "SIGTERM"))
            await asyncio.wait({self._end}, timeout=grace)
        self._attached.close()
        self._end.cancel()

    async def _wait(self) -> Ending:
        await self._attached.follow(self._lines)
        loop = asyncio.get_running_loop()
        answered = loop.time()
        while True:
            try:
                state = await self._engine.run(self._state)
                answered = loop.time()
            except (Unavailable, APIError) as error:
                if loop.time() - answered > _ENGINE_PATIENCE:
                    cause = f"was lost with the Docker engine ({error})"
                    return Ending(-9, self._lines.last, cause, "DOCKER_UNAVAILABLE")
            else:
                if (ending := self._ending(state)) is not None:
                    return ending
            await asyncio.sleep(_PAUSE)

    def _state(self, client: Any) -> dict[str, Any] | None:
        try:
            return client.api.inspect_container(self._container)
        except NotFound:
            return None

    def _ending(self, inspected: dict[str, Any] | None) -> Ending | None:
        """Return how it ended; None while it runs."""
        if inspected is None:
            return Ending(-9, self._lines.last, "was removed by somebody else")
        state: dict[str, Any] = inspected["State"]
        if state["Status"] in ("created", "running", "paused", "restarting"):
            return None
        code = int(state["ExitCode"])
        if state["OOMKilled"]:
            limit = int(inspected["HostConfig"]["Memory"]) // MIB
            cause = (
                f"was killed because it needed more than its {limit} MiB of memory; raise the limit of the connector or"
                " of the connection"
            )
            return Ending(-9, self._lines.last, cause, "CONNECTOR_OUT_OF_MEMORY")
        return Ending(_SIGNALLED - code if _SIGNALLED < code <= _SIGNALLED + _SIGNALS else code, self._lines.last)
