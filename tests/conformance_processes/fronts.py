"""Fronts of a connector, in its own process: they pass bytes between its callers and it, and fail at connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

from towpath_sdk import serve

__all__ = ["Frames", "Front", "KeepsUntilTheConnectionEnds", "Lost", "serve_behind"]

_CHUNK = 1 << 20
_PREFACE_BYTES = 24
_HEADER_BYTES = 9
_DATA, _RST_STREAM = 0, 3
_MUCH_BYTES = 64 * 1024
_LAST_SECONDS = 5


class Front:
    """One connection of a caller, and the one to the connector that belongs to it. As it stands, everything passes."""

    def asked(self, chunk: bytes) -> None:
        """Look at what the caller sends."""

    def answered(self, chunk: bytes) -> None:
        """Look at what the connector sends."""

    def caller_gone(self) -> bool:
        """Say whether the connector hears of it that the caller is gone."""
        return True


class Lost(Front):
    """Tells the connector nothing when a caller is gone."""

    def caller_gone(self) -> bool:
        """Keep it to itself."""
        return False


class Frames:
    """Cuts one direction of HTTP/2 into frames: `see` gets the type of each, its stream and the size of its payload."""

    def __init__(self, skip: int, see: Callable[[int, int, int], None]) -> None:
        self._skip, self._see = skip, see
        self._header = b""

    def feed(self, chunk: bytes) -> None:
        """Take what comes next, however it is cut."""
        at = 0
        while at < len(chunk):
            skipped = min(self._skip, len(chunk) - at)
            self._skip -= skipped
            at += skipped
            part = chunk[at : at + _HEADER_BYTES - len(self._header)]
            self._header += part
            at += len(part)
            if len(self._header) == _HEADER_BYTES:
                header, self._header = self._header, b""
                self._skip = int.from_bytes(header[:3], "big")
                self._see(header[3], int.from_bytes(header[5:], "big"), self._skip)


class KeepsUntilTheConnectionEnds(Front):
    """Keeps a descriptor for each call that was cancelled amidst a lot of data, until the connection ends."""

    def __init__(self) -> None:
        self._asked = Frames(_PREFACE_BYTES, self._on_asked)
        self._answered = Frames(0, self._on_answered)
        self._bytes: dict[int, int] = {}
        self._kept: list[int] = []

    def asked(self, chunk: bytes) -> None:
        """Look for cancellations."""
        self._asked.feed(chunk)

    def answered(self, chunk: bytes) -> None:
        """Count the data of each call."""
        self._answered.feed(chunk)

    def caller_gone(self) -> bool:
        """Let go."""
        while self._kept:
            os.close(self._kept.pop())
        return True

    def _on_asked(self, kind: int, stream: int, _: int) -> None:
        if kind == _RST_STREAM and self._bytes.get(stream, 0) >= _MUCH_BYTES:
            self._kept.append(os.open(os.devnull, os.O_RDONLY))

    def _on_answered(self, kind: int, stream: int, size: int) -> None:
        if kind == _DATA:
            self._bytes[stream] = self._bytes.get(stream, 0) + size


def serve_behind(make: Callable[[], Front], part: Any) -> None:
    """Serve a connector at a socket of its own, behind a front that listens where it should."""
    outer = os.environ["TOWPATH_LISTEN"].removeprefix("unix:")
    inner = f"{outer}.inner"
    os.environ["TOWPATH_LISTEN"] = f"unix:{inner}"
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="front", daemon=True).start()
    street = _Street(inner, make)
    asyncio.run_coroutine_threadsafe(asyncio.start_unix_server(street.connect, path=outer), loop).result()
    serve(part, argv=[])
    asyncio.run_coroutine_threadsafe(street.emptied(), loop).result(_LAST_SECONDS)


class _Street:
    """All connections, each with its front."""

    def __init__(self, inner: str, make: Callable[[], Front]) -> None:
        self._inner, self._make = inner, make
        self._answering: set[asyncio.Task[None]] = set()
        self._held: list[asyncio.StreamWriter] = []

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, and pass on what comes until one side ends it."""
        front = self._make()
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._inner)
        except OSError:  # it does not listen yet
            writer.transport.abort()
            return
        answering = asyncio.ensure_future(_pass(far_reader, writer, front.answered))
        answering.add_done_callback(lambda _: writer.close())
        self._answering.add(answering)
        await _pass(reader, far_writer, front.asked)
        if not reader.at_eof() and reader.exception() is None:  # the connector has ended it
            await answering
        elif not front.caller_gone():
            self._held.append(far_writer)
            return
        else:
            far_writer.transport.abort()
            await answering

    async def emptied(self) -> None:
        """Wait until everything has been passed on that the connector has said."""
        await asyncio.gather(*self._answering)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, look: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            look(chunk)
            sink.write(chunk)
            await sink.drain()
