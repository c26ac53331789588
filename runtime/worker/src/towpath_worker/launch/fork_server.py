"""A program's process that forks connectors when it is asked to; `towpath_sdk._serve.forking` is the other side."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import structlog

from towpath_worker.launch.pipes import Child, Pipes
from towpath_worker.launch.starting import finish

__all__ = ["SAID_BYTES", "ForkServer", "GoneError", "NotForkedError", "kill"]

SAID_BYTES = 4096
"""Room for one message; each is some dozens of bytes."""
_END_SECONDS = 1.0
"""Time for what was killed, or asked no more, to be gone."""
_LONGEST_SECONDS = 900.0
"""What a program takes in before it serves, such as today's date, is never older than this."""

_log = structlog.get_logger(__name__)


class GoneError(Exception):
    """It forks no longer: it was killed, it went because nobody asked, its program was changed, or it is too old."""


class NotForkedError(Exception):
    """It did not fork this time: there is no room for more processes, or too much is asked of it at once."""


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
        """Wait until it runs, or raise what `fail` says. No longer waited for, it is killed."""
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
        """Take in how it ended; one that never began was not forked."""
        if self._started.done():
            self._ended.set_result(code)
        else:
            self.fail(NotForkedError())

    def fail(self, error: GoneError | NotForkedError) -> None:
        """Take in that there will be no such fork, or that nobody will say how it ends: then it must not go on."""
        self.kill()
        self._ended.set_result(-signal.SIGKILL)
        if not self._started.done():
            self._started.set_exception(error)
            self._started.exception()  # perhaps nobody waits for it any more

    def kill(self) -> None:
        """Kill it if it has begun."""
        if self._started.done():
            kill(self.pid)


class ForkServer:
    """A process that forks itself. `environ` is what it was started with."""

    def __init__(self, process: Child, asking: socket.socket, environ: Mapping[str, str]) -> None:
        self._process = process
        self._asking = asking
        self._environ = environ
        self._until = time.monotonic() + _LONGEST_SECONDS
        self._retired = False
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
        """Have it fork. Raises GoneError or NotForkedError."""
        if self.gone or self._retired or time.monotonic() > self._until:
            raise GoneError
        number, fork = next(self._numbers), _Fork()
        names = self._environ.keys() | environ.keys()
        new = {name: environ.get(name) for name in names if environ.get(name) != self._environ.get(name)}
        try:
            socket.send_fds(self._asking, [json.dumps({"id": number, "environ": new}).encode()], pipes.theirs)
        except BlockingIOError as error:
            raise NotForkedError from error
        except OSError as error:
            raise GoneError from error
        self._forks[number] = fork
        await fork.begun()
        return fork

    def retire(self) -> None:
        """Have it end as soon as none of its forks runs."""
        self._retired = True
        if not self._forks:
            self._hearing.cancel()

    async def close(self) -> None:
        """End it, and what is left of its forks."""
        self._hearing.cancel()
        await asyncio.wait({self._hearing})
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            kill(self._process.pid)

    async def _hear(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while said := await loop.sock_recv(self._asking, SAID_BYTES):
                self._take(json.loads(said))
        except ConnectionError:
            pass  # it is dead, which is said below where it matters
        except (ValueError, KeyError, TypeError, asyncio.InvalidStateError) as error:
            _log.warning("a process that forks connectors says nonsense", pid=self._process.pid, error=repr(error))
            kill(self._process.pid)
        finally:
            self._asking.close()
            if self._forks:
                _log.warning("connectors end with what forked them", pid=self._process.pid, connectors=len(self._forks))
            for fork in self._forks.values():
                fork.fail(GoneError())
            self._forks.clear()

    def _take(self, said: Mapping[str, Any]) -> None:
        if "pid" in said:
            pid = int(said["pid"])
            if pid <= 1:
                raise ValueError(pid)
            self._forks[said["id"]].begin(pid)
        elif "changed" in said:
            self._forks.pop(said["id"]).fail(GoneError())
        else:
            self._forks.pop(said["id"]).end(int(said["code"]))
        if self._retired:
            self.retire()


def kill(pid: int) -> None:
    """Kill a session, if there still is anybody in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
