"""A cable between judge and connector that can be cut: the connection is gone, and nobody has said goodbye.

It passes bytes and knows nothing of gRPC.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["Cable", "cable"]

_CHUNK = 1 << 16


class Cable:
    """Listens at `address`; whatever connects there is connected to the connector."""

    def __init__(self, address: str, connector: str) -> None:
        self.address = address
        self._connector = connector
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Drop all connections, in both directions, at once."""
        for writer in self._writers:
            writer.transport.abort()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection of the judge's."""
        try:
            far_reader, far_writer = await _connection(self._connector)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(_pass(source, sink))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def close(self) -> None:
        """Drop everything and wait until nothing is left."""
        self.cut()
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)


@asynccontextmanager
async def cable(connector: str) -> AsyncGenerator[Cable]:
    """Lay a cable to a connector's address."""
    with tempfile.TemporaryDirectory(prefix="towpath-") as folder:
        path = Path(folder) / "s"
        laid = Cable(f"unix:{path}", connector)
        server = await asyncio.start_unix_server(laid.connect, path=path)
        try:
            yield laid
        finally:
            server.close()
            await laid.close()


async def _connection(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        return await asyncio.open_unix_connection("/" + path.lstrip("/") if path.startswith("//") else path)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port))


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
    sink.transport.abort()
