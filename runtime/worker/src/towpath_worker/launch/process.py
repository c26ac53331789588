"""Connectors as child processes, each on a Unix socket in a private folder.

A connector is the leader of its own session, so that stopping it reaches its children too. Its standard input is a
pipe that the worker holds and never writes to: when the worker is killed, the pipe closes and the connector ends by
itself (TOWPATH_EXIT_WITH_PARENT).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from towpath_sdk.errors import Misconfigured

from towpath_worker.launch.lines import PrintedLines
from towpath_worker.launch.port import Ending, Launch, Running
from towpath_worker.launch.readiness import serving
from towpath_worker.launch.run_dir import ConnectorDir, RunDir
from towpath_worker.launch.spans import receiving
from towpath_worker.launch.starting import finish, ready

__all__ = ["ProcessLauncher", "RunningProcess"]

_log = structlog.get_logger(__name__)


class RunningProcess:
    """A connector that runs as a child process."""

    def __init__(self, launch: Launch, folder: ConnectorDir, process: asyncio.subprocess.Process) -> None:
        self.name = launch.name
        self.address = folder.address
        self.token = folder.token
        self.certificate = None
        self.pid = process.pid
        self._process = process
        self._lines = PrintedLines(launch.on_line)
        self._followers = [
            asyncio.create_task(self._lines.follow(pipe))
            for pipe in (process.stdout, process.stderr)
            if pipe is not None
        ]
        self._end = asyncio.create_task(self._wait())

    @property
    def last_lines(self) -> Sequence[str]:
        """What it printed last."""
        return self._lines.last

    async def ended(self) -> Ending:
        """Wait until the process has ended and its last lines are read."""
        return await asyncio.shield(self._end)

    async def stop(self, grace: float) -> None:
        """End the process and its children: SIGTERM, then after `grace` seconds SIGKILL. Nothing of them is left."""
        try:
            self._signal(signal.SIGTERM)
            await asyncio.wait({self._end}, timeout=grace)
        finally:
            self._signal(signal.SIGKILL)
            if self._process.stdin is not None:
                self._process.stdin.close()
        await asyncio.wait({self._end}, timeout=5.0)
        for follower in self._followers:
            follower.cancel()

    async def _wait(self) -> Ending:
        code = await self._process.wait()
        # A child of the connector may hold the pipes open for ever: what it prints after its parent's end can wait no
        # longer.
        await asyncio.wait(self._followers, timeout=0.5)
        return Ending(code, self._lines.last)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # the group is empty: that is what was wanted
        except PermissionError:
            _log.warning("a connector changed its user and cannot be signalled", connector=self.name, pid=self.pid)


class ProcessLauncher:
    """Starts connectors as child processes.

    `environ` is what connectors see, next to the TOWPATH_ variables of the protocol; `start_timeout` and `stop_grace`
    are in seconds.
    """

    def __init__(
        self, run_dir: RunDir, environ: Mapping[str, str], *, start_timeout: float = 30.0, stop_grace: float = 2.0
    ) -> None:
        self._run_dir = run_dir
        self._environ = environ
        self._start_timeout = start_timeout
        self._stop_grace = stop_grace

    @asynccontextmanager
    async def launch(self, launch: Launch) -> AsyncGenerator[Running]:
        """Start a connector and stop it on leaving; see `Launcher.launch`."""
        folder = self._run_dir.connector()
        try:
            async with receiving(folder, launch.on_spans) as variables:
                process = await self._start(launch, folder, variables)
                running = RunningProcess(launch, folder, process)
                folder.note_group(process.pid)
                try:
                    await ready(running, serving(folder.address, folder.socket), self._start_timeout)
                    yield running
                finally:
                    await finish(running.stop(self._stop_grace))
        finally:
            folder.remove()

    async def _start(
        self, launch: Launch, folder: ConnectorDir, variables: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        if not launch.command:
            raise Misconfigured(f"{launch.name} has no command; register the connector again")
        path = self._environ.get("PATH")
        program = shutil.which(launch.command[0], path=path)
        if program is None:
            raise Misconfigured(
                f"{launch.name}: there is no program `{launch.command[0]}` on this worker; install the connector where"
                " the worker runs, or register its full path",
                reason="CONNECTOR_NOT_FOUND",
            )
        environ = {
            **self._environ,
            **variables,
            "TOWPATH_LISTEN": folder.address,
            "TOWPATH_TOKEN_FILE": str(folder.token_file),
            "TOWPATH_EXIT_WITH_PARENT": "1",
        }
        try:
            return await asyncio.create_subprocess_exec(
                program,
                *launch.command[1:],
                env=environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Misconfigured(
                f"{launch.name}: `{program}` cannot be started: {error.strerror}", reason="CONNECTOR_NOT_STARTED"
            ) from error
