"""A long way to a server: what is sent arrives later, in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial

from towpath_local.embedded.ports import LOOPBACK
from towpath_sdk.testing.loop_thread import LoopThread

__all__ = ["slow_link"]


@contextmanager
def slow_link(address: str, seconds: float) -> Generator[str]:
    """Relay connections to `address` (`host:port`), every byte `seconds` late; yields the address to connect to."""
    loop = LoopThread()
    server = loop.run(asyncio.start_server(partial(_relay, address, seconds), LOOPBACK, 0))
    try:
        yield f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        loop.close()


async def _relay(address: str, seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = address.rpartition(":")
    there, back = await asyncio.open_connection(host, int(port))
    with suppress(OSError):
        await asyncio.gather(_pass(reader, back, seconds), _pass(there, writer, seconds))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, late but not slower: what follows is read in the meantime."""
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(64 * 1024):
        loop.call_later(seconds, writer.write, chunk)
    loop.call_later(seconds, writer.close)
