"""What the Docker engine tells of a container that runs: its end, its output, and what it uses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil
from docker.errors import APIError, NotFound

from towpath_conformance.targets.family import Family
from towpath_conformance.verdicts import skip

__all__ = ["Container"]

Number = TypeVar("Number", int, float)

_SIGNALLED = 128
"""Added to the number of a signal, it is the exit code of a container that was ended by it."""
_SIGNALS = 64
_SOON, _SELDOM = 0.02, 0.2
"""Pauses between questions to the engine, which has to work for each."""


class Container:
    """A container as a process. Everything but `wait` asks the engine and takes some milliseconds."""

    def __init__(self, raw: Any, folder: Path) -> None:
        self._raw = raw
        self.folder: Path | None = folder
        self._family: Family | None = None
        self._input: Any = None

    def hold(self) -> None:
        """Hold its standard input open, from before its start on; the engine closes it with this connection."""
        self._input = self._raw.attach_socket(params={"stdin": 1, "stream": 1})

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self.exit_code() is None

    def exit_code(self) -> int | None:
        """Its exit code, minus the number of the signal that ended it; None while it runs."""
        try:
            self._raw.reload()
        except NotFound:
            return -9
        state: dict[str, Any] = self._raw.attrs["State"]
        if state["Status"] in ("created", "running", "paused", "restarting"):
            return None
        code = int(state["ExitCode"])
        return _SIGNALLED - code if _SIGNALLED < code <= _SIGNALLED + _SIGNALS else code

    def output(self) -> str:
        """Everything that it has printed."""
        with contextlib.suppress(APIError):
            return self._raw.logs(stdout=True, stderr=True).decode("utf-8", "replace")
        return ""

    def kill(self) -> None:
        """End it, children included."""
        # A container that has ended is no longer there to be killed.
        with contextlib.suppress(APIError):
            self._raw.kill("SIGKILL")

    def terminate(self) -> None:
        """Send SIGTERM to its first process."""
        with contextlib.suppress(APIError):
            self._raw.kill("SIGTERM")

    def forget(self) -> bool:
        """Let go of its standard input."""
        if self._input is not None:
            self._input._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001 - the SDK hands out a file, which shuts nothing
            self._input._response.close()  # noqa: SLF001 - it holds the socket open as well
            self._input.close()
            self._input = None
        return True

    async def wait(self, timeout: float) -> int | None:  # noqa: ASYNC109 a bound, not a deadline to pass on
        """Wait for the end without blocking the loop."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + timeout, _SOON
        while (code := await asyncio.to_thread(self.exit_code)) is None:
            if loop.time() >= deadline:
                return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, _SELDOM)
        return code

    def remove(self) -> None:
        """Remove it, running or not, with its anonymous volumes."""
        with contextlib.suppress(OSError):  # the engine may have closed it before
            self.forget()
        with contextlib.suppress(NotFound):
            self._raw.remove(force=True, v=True)

    def resident_bytes(self) -> int:
        """Memory of all its processes."""
        return self._counted(Family.resident_bytes)

    def cpu_seconds(self) -> float:
        """User and system time of all its processes, ended ones included."""
        return self._counted(Family.cpu_seconds)

    def threads(self) -> int:
        """Threads of all its processes."""
        return self._counted(Family.threads)

    def descriptors(self) -> int:
        """Open descriptors of all its processes."""
        return self._counted(Family.descriptors)

    def _counted(self, count: Callable[[Family], Number]) -> Number:
        """Ask the kernel: the engine's own numbers are a second old, and take as long to come."""
        try:
            if self._family is None:
                self._raw.reload()
                self._family = Family(int(self._raw.attrs["State"]["Pid"]))
            return count(self._family)
        except psutil.AccessDenied:
            skip("what a container of another user has open can be counted by root only")
