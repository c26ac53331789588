"""Connectors as forks of one that has imported everything: a start then takes a twentieth of the CPU time.

The SDK does the forking (`towpath_sdk._serve.forking` says how the two speak); no other connector has to know of it.
The first process of a program is started with both an address to serve at and a socket to be asked by. One that says it
is ready to fork is asked at once for the first connector, and for each that follows; one that serves is that connector,
and its program is started anew each time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from enum import Enum, auto
from itertools import count
from typing import Any

from towpath_worker.launch.pipes import Child, Pipes, spawn
from towpath_worker.launch.starting import finish

__all__ = ["ForkServers"]

_SOCKET = "TOWPATH_FORK_FD"
_SAID_BYTES = 4096
_KEPT = 8
"""Programs that are kept ready to fork, until nobody asked for a minute: each takes some 60 MB, which forks share."""
_END_SECONDS = 1.0

_Serving = Callable[[], Coroutine[Any, Any, None]]


class _GoneError(Exception):
    """It forks no longer: it was killed, it went because nobody asked, or its program was changed."""


class _Fork:
    """A connector that was asked for, or that was forked."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[int] = loop.create_future()
        self._ended: asyncio.Future[int] = loop.create_future()
        self._wanted = True

    @property
    def pid(self) -> int:
        """Its id, and that of its session."""
        return self._started.result()

    async def begun(self) -> None:
        """Wait until it runs. Raises _GoneError when there will be no such fork; no longer waited for, it is killed."""
        try:
            await asyncio.shield(self._started)
        except asyncio.CancelledError:
            self._wanted = False
            self.kill()
            await finish(asyncio.wait({self._ended}, timeout=_END_SECONDS))
            raise

    async def wait(self) -> int:
        """Wait until it has ended; its exit code, or minus the number of the signal that killed it."""
        return await asyncio.shield(self._ended)

    def begin(self, pid: int) -> None:
        """Take in that it runs."""
        self._started.set_result(pid)
        if not self._wanted:
            self.kill()

    def end(self, code: int) -> None:
        """Take in how it ended, or that there will be no such fork."""
        self._ended.set_result(code)
        if not self._started.done():
            self._started.set_exception(_GoneError())
            self._started.exception()  # perhaps nobody waits for it any more

    def kill(self) -> None:
        """Kill it if it has begun."""
        if self._started.done():
            _kill(self.pid)


class _ForkServer:
    """A process that forks itself when it is asked to."""

    def __init__(self, process: Child, asking: socket.socket) -> None:
        self._process = process
        self._asking = asking
        self._numbers = count(1)
        self._forks: dict[int, _Fork] = {}
        self._hearing = asyncio.create_task(self._hear())

    @property
    def gone(self) -> bool:
        """Nobody is left to be asked."""
        return self._hearing.done()

    @property
    def busy(self) -> bool:
        """Forks of it run."""
        return bool(self._forks)

    async def fork(self, environ: Mapping[str, str], pipes: Pipes) -> Child:
        """Have it fork. Raises _GoneError when it does not."""
        if self.gone:
            raise _GoneError
        number, fork = next(self._numbers), _Fork()
        asked = json.dumps({"id": number, "environ": dict(environ)}).encode()
        try:
            socket.send_fds(self._asking, [asked], pipes.theirs)
        except OSError as error:
            raise _GoneError from error
        self._forks[number] = fork
        await fork.begun()
        return fork

    def dismiss(self) -> None:
        """Ask no more: it ends by itself, and what is left of its forks is killed."""
        self._hearing.cancel()

    async def close(self) -> None:
        """Dismiss it, and see it end."""
        self.dismiss()
        await asyncio.wait({self._hearing})
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            _kill(self._process.pid)

    async def _hear(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while said := await loop.sock_recv(self._asking, _SAID_BYTES):
                self._take(json.loads(said))
        except (OSError, ValueError, KeyError, TypeError, asyncio.InvalidStateError):
            _kill(self._process.pid)  # it does not speak as it should
        finally:
            self._asking.close()
            for fork in self._forks.values():  # nobody would say how they end, so that they must not go on
                fork.kill()
                fork.end(-signal.SIGKILL)
            self._forks.clear()

    def _take(self, said: Mapping[str, Any]) -> None:
        fork = self._forks[said["id"]]
        if "pid" not in said:
            del self._forks[said["id"]]
            fork.end(int(said["code"]))
        else:
            fork.begin(int(said["pid"]))


class ForkServers:
    """Which programs fork, and which cannot. All of it on one loop; `close` ends them."""

    def __init__(self) -> None:
        self._servers: dict[tuple[str, ...], _ForkServer | None] = {}
        """The one asked last is the last; None for a program that cannot fork, or of which somebody is finding out."""
        self._retired: list[_ForkServer] = []

    async def start(
        self, command: tuple[str, ...], environ: Mapping[str, str], pipes: Pipes, serving: _Serving
    ) -> Child:
        """Start a connector, by a fork where its program can; `serving` returns once it serves. Raises OSError."""
        if command not in self._servers:
            return await self._first(command, environ, pipes, serving)
        server = self._servers[command]
        if server is None:
            return await spawn(command, environ, pipes)
        try:
            self._servers[command] = self._servers.pop(command)
            return await server.fork(environ, pipes)
        except _GoneError:
            if self._servers.get(command) is server:
                self._retired.append(server)
                del self._servers[command]
            return await self.start(command, environ, pipes, serving)

    async def close(self) -> None:
        """End them all, and what is left of their forks."""
        known, self._servers = self._servers, {}
        for server in (*known.values(), *self._retired):
            if server is not None:
                await server.close()

    async def _first(
        self, command: tuple[str, ...], environ: Mapping[str, str], pipes: Pipes, serving: _Serving
    ) -> Child:
        """Start a program's first process, which forks the connector, or is the connector."""
        asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asking.setblocking(False)
        self._servers[command] = None
        try:
            with asked:
                number = asked.fileno()
                process = await spawn(command, {**environ, _SOCKET: str(number)}, pipes, number)
            introduced = await _introduced(process, asking, serving)
        except BaseException:
            self._servers.pop(command, None)
            asking.close()
            raise
        if introduced is _Introduced.FORKS:
            self._tidy()
            server = self._servers[command] = _ForkServer(process, asking)
            try:
                return await server.fork(environ, pipes)
            except _GoneError:
                self._retired.append(server)
                self._servers[command] = None
                return await spawn(command, environ, pipes)
        asking.close()
        if introduced is _Introduced.ENDED:
            self._servers.pop(command, None)  # it may do otherwise the next time
        return process

    def _tidy(self) -> None:
        """Forget those that went; where too many are kept, let the one go that nobody needed for longest."""
        self._retired = [server for server in self._retired if not server.gone]
        kept = {command: server for command, server in self._servers.items() if server is not None}
        for command, server in kept.items():
            if server.gone or (len(kept) >= _KEPT and not server.busy):
                server.dismiss()
                self._retired.append(server)
                del self._servers[command]
                return


class _Introduced(Enum):
    FORKS = auto()
    SERVES = auto()
    ENDED = auto()


async def _introduced(process: Child, asking: socket.socket, serving: _Serving) -> _Introduced:
    """Wait until it is known what a program's first process does. Killed when that is no longer waited for."""
    said = asyncio.create_task(asyncio.get_running_loop().sock_recv(asking, _SAID_BYTES))
    served, ended = asyncio.create_task(serving()), asyncio.create_task(process.wait())
    try:
        await asyncio.wait({said, served, ended}, return_when=asyncio.FIRST_COMPLETED)
        if said.done() and said.exception() is None and said.result():
            return _Introduced.FORKS
        await asyncio.wait({served, ended}, return_when=asyncio.FIRST_COMPLETED)
        return _Introduced.SERVES if served.done() else _Introduced.ENDED
    except BaseException:
        _kill(process.pid)
        await finish(asyncio.wait({ended}, timeout=_END_SECONDS))
        raise
    finally:
        for task in (said, served, ended):
            task.cancel()


def _kill(pid: int) -> None:
    """Kill a session, if there still is anybody in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
