"""What a container prints, and its standard input: one connection to the engine, open from before its start.

The connection is also the lifeline: the container's standard input is closed with it, and the connector ends by itself
(TOWPATH_EXIT_WITH_PARENT) when the worker is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import Any, Self

from towpath_worker.launch.lines import PrintedLines

__all__ = ["Attached", "attach"]

_HEADER = 8
_PIPES = (1, 2)
_CHUNK = 64 * 1024


def attach(client: Any, container: str) -> socket.socket:
    """Attach to a container that was created and not started; blocks for some milliseconds."""
    answer = client.api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    if isinstance(answer, ssl.SSLSocket):
        return _decrypted(answer)
    connection: socket.socket = answer._sock.dup()  # noqa: SLF001 - the SDK hands out a file; asyncio takes a socket
    answer._response.close()  # noqa: SLF001 - it holds the socket open as well
    answer.close()
    connection.setblocking(False)
    return connection


def _decrypted(answer: ssl.SSLSocket) -> socket.socket:
    """Return one end of a pair of sockets whose other end is a connection to the engine over TLS, by two threads.

    asyncio takes no socket that speaks TLS already.
    """
    mine, other = socket.socketpair()
    answer.settimeout(None)
    threading.Thread(target=_pass_on, args=(answer, other), name="docker-attached", daemon=True).start()
    threading.Thread(target=_pass_end_on, args=(other, answer), name="docker-attached", daemon=True).start()
    mine.setblocking(False)
    return mine


def _pass_on(engine: ssl.SSLSocket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := engine.recv(_CHUNK):
            other.sendall(chunk)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


def _pass_end_on(other: socket.socket, engine: ssl.SSLSocket) -> None:
    """Nothing is ever written: the first that comes is the end."""
    with contextlib.suppress(OSError):
        other.recv(1)
    with contextlib.suppress(OSError):
        engine.shutdown(socket.SHUT_RDWR)
    for one in (engine, other):
        one.close()


class Attached:
    """The open connection. The engine puts a header before each piece: its pipe, and its length in 4 bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, connection: socket.socket) -> Self:
        """Take over a connection of `attach`."""
        return cls(*await asyncio.open_connection(sock=connection))

    async def follow(self, lines: PrintedLines) -> None:
        """Read until the container ends, or the engine does. Whatever is printed is read at once and never kept."""
        pipes = {number: lines.pipe() for number in _PIPES}
        try:
            while True:
                header = await self._reader.readexactly(_HEADER)
                left = int.from_bytes(header[4:], "big")
                while left:
                    chunk = await self._reader.read(min(left, _CHUNK))
                    if not chunk:
                        return
                    left -= len(chunk)
                    if header[0] in pipes:
                        pipes[header[0]].feed(chunk)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            for pipe in pipes.values():
                pipe.end()

    def close(self) -> None:
        """Close it, and the container's standard input with it."""
        self._writer.close()
