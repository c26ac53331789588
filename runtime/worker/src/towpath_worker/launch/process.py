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
from functools import partial

import structlog
from towpath_sdk.errors import Misconfigured

from towpath_worker.launch.forks import ForkServers
from towpath_worker.launch.lines import PrintedLines
from towpath_worker.launch.pipes import Child, Pipes, spawn
from towpath_worker.launch.port import Ending, Launch, Running
from towpath_worker.launch.readiness import serving
from towpath_worker.launch.run_dir import ConnectorDir, RunDir
from towpath_worker.launch.spans import receiving
from towpath_worker.launch.starting import finish, ready

__all__ = ["ProcessLauncher", "RunningProcess"]

_log = structlog.get_logger(__name__)


class RunningProcess:
    """A connector as a process of this machine, from before it is started."""

    def __init__(self, launch: Launch, folder: ConnectorDir, pipes: Pipes) -> None:
        self.name = launch.name
        self.address = folder.address
        self.token = folder.token
        self.certificate = None
        self.pipes = pipes
        self._lines = PrintedLines(launch.on_line)
        self._child: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._following = asyncio.create_task(self._follow())
        self._end = asyncio.create_task(self._wait())

    @property
    def pid(self) -> int:
        """Its process id, and that of its session; once it has begun."""
        return self._child.result().pid

    @property
    def last_lines(self) -> Sequence[str]:
        """What it printed last."""
        return self._lines.last

    def begun(self, child: Child) -> None:
        """Take in which process it is."""
        self.pipes.let_go()
        self._child.set_result(child)

    async def ended(self) -> Ending:
        """Wait until the process has ended and its last lines are read."""
        return await asyncio.shield(self._end)

    async def stop(self, grace: float) -> None:
        """End the process and its children: SIGTERM, then after `grace` seconds SIGKILL. Nothing of them is left."""
        try:
            if self._child.done():
                self._signal(signal.SIGTERM)
                await asyncio.wait({self._end}, timeout=grace)
        finally:
            if self._child.done():
                self._signal(signal.SIGKILL)
            self.pipes.close()
        if self._child.done():
            await asyncio.wait({self._end}, timeout=5.0)
        self._end.cancel()
        self._following.cancel()

    async def _wait(self) -> Ending:
        child = await asyncio.shield(self._child)
        code = await child.wait()
        # A child of the connector may hold the pipes open for ever: what it prints after its parent's end can wait no
        # longer.
        await asyncio.wait({self._following}, timeout=0.5)
        return Ending(code, self._lines.last)

    async def _follow(self) -> None:
        async with self.pipes.printed() as readers:
            await asyncio.gather(*map(self._lines.follow, readers))

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # the group is empty: that is what was wanted
        except PermissionError:
            _log.warning("a connector changed its user and cannot be signalled", connector=self.name, pid=self.pid)


class ProcessLauncher:
    """Starts connectors as child processes, or as forks of one where their program can; `close` ends those.

    `environ` is what connectors see, next to the TOWPATH_ variables of the protocol; `start_timeout` and `stop_grace`
    are in seconds. Without `forks` each is started anew.
    """

    def __init__(
        self,
        run_dir: RunDir,
        environ: Mapping[str, str],
        *,
        start_timeout: float = 30.0,
        stop_grace: float = 2.0,
        forks: bool = True,
    ) -> None:
        self._run_dir = run_dir
        self._environ = environ
        self._start_timeout = start_timeout
        self._stop_grace = stop_grace
        self._forks = ForkServers() if forks and ForkServers.possible() else None

    @asynccontextmanager
    async def launch(self, launch: Launch) -> AsyncGenerator[Running]:
        """Start a connector and stop it on leaving; see `Launcher.launch`."""
        folder = self._run_dir.connector()
        try:
            async with receiving(folder, launch.on_spans) as variables:
                running = RunningProcess(launch, folder, Pipes())
                try:
                    await ready(running, self._serve(launch, folder, variables, running), self._start_timeout)
                    yield running
                finally:
                    await finish(running.stop(self._stop_grace))
        finally:
            folder.remove()

    async def close(self) -> None:
        """End what is kept for more connectors, after the last of them."""
        if self._forks is not None:
            await self._forks.close()

    async def _serve(
        self, launch: Launch, folder: ConnectorDir, variables: Mapping[str, str], running: RunningProcess
    ) -> None:
        """Start it, and return when it serves."""
        command = self._command(launch)
        environ = {
            **self._environ,
            **variables,
            "TOWPATH_LISTEN": folder.address,
            "TOWPATH_TOKEN_FILE": str(folder.token_file),
            "TOWPATH_EXIT_WITH_PARENT": "1",
        }
        serves = partial(serving, folder.address, folder.socket)
        try:
            if self._forks is None:
                child = await spawn(command, environ, running.pipes)
            else:
                child = await self._forks.start(command, environ, running.pipes, serves)
        except OSError as error:
            raise Misconfigured(
                f"{launch.name}: `{command[0]}` cannot be started: {error.strerror}", reason="CONNECTOR_NOT_STARTED"
            ) from error
        running.begun(child)
        await serves()

    def _command(self, launch: Launch) -> tuple[str, ...]:
        if not launch.command:
            raise Misconfigured(f"{launch.name} has no command; register the connector again")
        program = shutil.which(launch.command[0], path=self._environ.get("PATH"))
        if program is None:
            raise Misconfigured(
                f"{launch.name}: there is no program `{launch.command[0]}` on this worker; install the connector where"
                " the worker runs, or register its full path",
                reason="CONNECTOR_NOT_FOUND",
            )
        return (program, *launch.command[1:])
