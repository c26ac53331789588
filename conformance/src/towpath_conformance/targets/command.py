"""A connector that is started by a command, as the process launcher starts it: socket, token, private folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shlex
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath_conformance.exchange import Exchange, noting
from towpath_conformance.peer import Peer
from towpath_conformance.targets.endpoint import serving
from towpath_conformance.targets.family import Family
from towpath_conformance.targets.port import Instance, StartFailed

__all__ = ["CommandTarget"]

_OUTPUT_KEPT = 4000


@dataclass(frozen=True)
class CommandTarget:
    """A command line, already split. It runs in `folder`, with the environment of the judge and `environ`."""

    command: Sequence[str]
    folder: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    can_start: bool = True
    popen: Callable[..., Any] = subprocess.Popen
    """What starts the process, with what `subprocess.Popen` takes, and with what it gives."""

    @property
    def name(self) -> str:
        """As on the command line."""
        return f"--command {shlex.quote(shlex.join(self.command))}"

    @asynccontextmanager
    async def start(
        self, ready_seconds: float, *, environ: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Instance]:
        """Start the command with a socket, a token and a folder for temporary files of its own."""
        with tempfile.TemporaryDirectory(prefix="towpath-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            address = f"unix:{folder / 's'}"
            token = secrets.token_urlsafe(24)
            (folder / "token").write_text(token)
            (folder / "token").chmod(0o600)
            (folder / "tmp").mkdir()
            process = CommandProcess(self, folder, {**(environ or {}), "TOWPATH_LISTEN": address})
            peer = Peer(address, token)
            try:
                # Asking for health over and over is nothing that a failing check has to show.
                with noting(Exchange()):
                    ready = await _ready(peer, process, ready_seconds)
                if not ready:
                    raise StartFailed(process.why_not_ready(ready_seconds))
                yield Instance(address, token, peer, process)
            finally:
                await peer.close()
                process.kill()
                await process.wait(5)
                process.forget()


async def _ready(peer: Peer, process: CommandProcess, seconds: float) -> bool:
    ready = asyncio.ensure_future(serving(peer, seconds, process.socket))
    while not ready.done():
        await asyncio.wait({ready}, timeout=0.05)
        if not process.alive and not ready.done():
            ready.cancel()
            return False
    return ready.result()


class CommandProcess:
    """A child process and its children: it leads a session of its own."""

    def __init__(self, target: CommandTarget, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder: Path | None = folder / "tmp"
        self.socket = folder / "s"
        self._log = folder / "log"
        with self._log.open("wb") as output:
            try:
                self._process = target.popen(
                    list(target.command),
                    cwd=target.folder,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={
                        **os.environ,
                        **target.environ,
                        "TOWPATH_TOKEN_FILE": str(folder / "token"),
                        "TOWPATH_EXIT_WITH_PARENT": "1",
                        "TMPDIR": str(self.folder),
                        **environ,
                    },
                )
            except OSError as error:
                raise StartFailed(f"`{target.command[0]}` cannot be started: {error.strerror}") from error
        self.pid = self._process.pid
        self._family = Family(self.pid)

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def output(self) -> str:
        """Everything that it has printed."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def why_not_ready(self, seconds: float) -> str:
        """Say what went wrong at the start, with its last words."""
        printed = self.output().strip()[-_OUTPUT_KEPT:] or "nothing"
        if not self.alive:
            return (
                f"the connector ended with exit code {self._process.returncode} before it served; it printed: {printed}"
            )
        return f"the connector was not SERVING within {seconds:g} s; it printed: {printed}"

    def kill(self) -> None:
        """End the session with SIGKILL."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM to the connector alone, as the launcher does first."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    async def wait(self, timeout: float) -> int | None:  # noqa: ASYNC109 a bound, not a deadline to pass on
        """Wait for the end without blocking the loop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self._process.poll() is None:
            if loop.time() >= deadline:
                return None
            await asyncio.sleep(0.01)
        return self._process.returncode

    def forget(self) -> bool:
        """Close the pipe to its standard input."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        return True

    def resident_bytes(self) -> int:
        """Memory of the whole family."""
        return self._family.resident_bytes()

    def cpu_seconds(self) -> float:
        """CPU time of the whole family, that of ended children included."""
        return self._family.cpu_seconds()

    def threads(self) -> int:
        """Threads of the whole family."""
        return self._family.threads()

    def descriptors(self) -> int:
        """Descriptors of the whole family."""
        return self._family.descriptors()
