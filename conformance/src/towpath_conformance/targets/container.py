"""What the Docker engine tells of a container that runs: its end, its output, and what it uses."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from towpath_conformance.verdicts import skip

__all__ = ["Container"]

_SIGNALLED = 128
"""Added to the number of a signal, it is the exit code of a container that was ended by it."""
_SIGNALS = 64


class Container:
    """A container as a process. Everything but `wait` asks the engine and takes some milliseconds."""

    def __init__(self, raw: Any, folder: Path) -> None:
        self._raw = raw
        self.folder: Path | None = folder

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

    async def wait(self, timeout: float) -> int | None:  # noqa: ASYNC109 a bound, not a deadline to pass on
        """Wait for the end without blocking the loop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while (code := await asyncio.to_thread(self.exit_code)) is None:
            if loop.time() >= deadline:
                return None
            await asyncio.sleep(0.02)
        return code

    def remove(self) -> None:
        """Remove it, running or not, with its anonymous volumes."""
        with contextlib.suppress(NotFound):
            self._raw.remove(force=True, v=True)

    def resident_bytes(self) -> int:
        """Anonymous memory of all its processes, without what the kernel keeps of files."""
        memory: dict[str, Any] = self._stats()["memory_stats"]
        details: dict[str, int] = memory.get("stats", {})
        # The two versions of control groups have two names for it.
        return int(details.get("anon", details.get("rss", 0)))

    def cpu_seconds(self) -> float:
        """User and system time of all its processes, ended ones included."""
        return self._stats()["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9

    def threads(self) -> int:
        """Threads of all its processes."""
        return int(self._stats()["pids_stats"]["current"])

    def descriptors(self) -> int:
        """Open descriptors of all its processes. Skips the check where the judge may not look into them."""
        table: dict[str, Any] = self._raw.top(ps_args="-eo pid")
        try:
            return sum(len(list(Path(f"/proc/{row[0]}/fd").iterdir())) for row in table["Processes"])
        except OSError:
            skip("the descriptors of a container can be counted by root on the machine of the engine only")

    def _stats(self) -> dict[str, Any]:
        return self._raw.stats(stream=False, one_shot=True)
