"""Connectors as forks of one that has imported everything: such a start costs next to nothing.

The SDK does the forking; no other connector has to know of it. The first process of a program is started with both an
address to serve at and a socket to be asked by. One that says it is ready to fork is asked at once for the first
connector, and for each that follows; one that serves is that connector, and its program is started anew each time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from towpath_worker.launch.fork_server import SAID_BYTES, ForkServer, GoneError, NotForkedError, kill
from towpath_worker.launch.pipes import Child, Pipes, spawn
from towpath_worker.launch.starting import finish

__all__ = ["ForkServers"]

_SOCKET = "TOWPATH_FORK_FD"
_KEPT = 8
"""Programs that are kept ready to fork, until nobody asked for a minute: each takes some 100 MB, which forks share."""
_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL for a first process that is given up."""

_Looks: TypeAlias = tuple[tuple[int, int, int] | None, ...]
_Serving: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class _Known:
    """A program, by its command: how the files looked that the command names, and what forks it.

    That is None for a program that cannot be forked, or of which somebody is finding out.
    """

    looks: _Looks
    server: ForkServer | None = None


class ForkServers:
    """Which programs fork, and which cannot. All of it on one loop; `close` ends them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], _Known] = {}
        """The one asked last is the last."""
        self._running: list[ForkServer] = []
        """All that may still run, known or no longer asked."""

    @staticmethod
    def possible() -> bool:
        """Whether this system has what it takes."""
        return hasattr(os, "pidfd_open") and hasattr(socket, "SOCK_SEQPACKET")

    async def start(
        self, command: tuple[str, ...], environ: Mapping[str, str], pipes: Pipes, serving: _Serving
    ) -> Child:
        """Start a connector, by a fork where its program can; `serving` returns once it serves. Raises OSError."""
        looks = tuple(map(_look, command))
        known = self._known.pop(command, None)
        if known is None or known.looks != looks:
            if known is not None and known.server is not None:
                known.server.retire()
            return await self._first(_Known(looks), command, environ, pipes, serving)
        self._known[command] = known
        if known.server is None:
            return await spawn(command, environ, pipes)
        try:
            return await known.server.fork(environ, pipes)
        except NotForkedError:
            return await spawn(command, environ, pipes)
        except GoneError:
            self._forget(command, known)
            return await self.start(command, environ, pipes, serving)
        except asyncio.CancelledError:
            self._forget(command, known)  # it may hang, and the next connector is not to wait for it as well
            raise

    async def close(self) -> None:
        """End them all, and what is left of their forks."""
        self._known.clear()
        for server in self._running:
            await server.close()

    async def _first(
        self,
        known: _Known,
        command: tuple[str, ...],
        environ: Mapping[str, str],
        pipes: Pipes,
        serving: _Serving,
    ) -> Child:
        """Start a program's first process, which forks the connector, or is the connector."""
        asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asking.setblocking(False)
        self._known[command] = known
        server: ForkServer | None = None
        try:
            with asked:
                number = asked.fileno()
                process = await spawn(command, {**environ, _SOCKET: str(number)}, pipes, number)
            does = await _found_out(process, asking, serving)
            if does == "fork":
                server = ForkServer(process, asking, environ)
                self._make_room(server)
                child = await server.fork(environ, pipes)
                known.server = server
                return child
            if does == "end":
                self._forget(command, known)  # it may do otherwise the next time
        except (GoneError, NotForkedError):
            self._forget(command, known)
            return await spawn(command, environ, pipes)
        except BaseException:
            self._forget(command, known)
            raise
        finally:
            if server is None:
                asking.close()
            elif known.server is None:
                server.retire()
        return process

    def _make_room(self, new: ForkServer) -> None:
        """Where too many are kept, let the one go that nobody needed for longest."""
        self._running = [*(server for server in self._running if not server.gone), new]
        kept = [server for known in self._known.values() if (server := known.server) is not None and not server.gone]
        idle = [server for server in kept if not server.busy]
        if len(kept) >= _KEPT and idle:
            idle[0].retire()

    def _forget(self, command: tuple[str, ...], known: _Known) -> None:
        if self._known.get(command) is known:
            del self._known[command]
        if known.server is not None:
            known.server.retire()


async def _found_out(process: Child, asking: socket.socket, serving: _Serving) -> Literal["fork", "serve", "end"]:
    """Wait until it is known what a program's first process does; it is ended when that is no longer waited for."""
    said = asyncio.create_task(asyncio.get_running_loop().sock_recv(asking, SAID_BYTES))
    served, ended = asyncio.create_task(serving()), asyncio.create_task(process.wait())
    try:
        await asyncio.wait({said, served, ended}, return_when=asyncio.FIRST_COMPLETED)
        if said.done() and said.exception() is None and said.result():
            return "fork"
        await asyncio.wait({served, ended}, return_when=asyncio.FIRST_COMPLETED)
        return "serve" if served.done() else "end"
    except asyncio.CancelledError:
        await finish(_end(process, ended))
        raise
    finally:
        for task in (said, served, ended):
            task.cancel()
        await finish(asyncio.wait({said, served, ended}))


async def _end(process: Child, ended: asyncio.Task[int]) -> None:
    """End what was started, politely first."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    await asyncio.wait({ended}, timeout=_GRACE)
    kill(process.pid)
    await asyncio.wait({ended}, timeout=_GRACE)


def _look(word: str) -> tuple[int, int, int] | None:
    """What tells whether a file was changed that a command names, such as its program; None for another word."""
    try:
        found = os.stat(word)  # noqa: PTH116 - any word may come
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
