"""What connectors print, as lines: bounded in length and in rate, never trusted, never a protocol."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from towpath_worker.launch.port import OnLine

__all__ = ["LINE_LIMIT", "PrintedLines", "PrintedPipe"]

LINE_LIMIT = 16 * 1024
"""Bytes of one line that are kept; the rest of the line is dropped, and the line says so."""

_BURST = 1000
_PER_SECOND = 200
_REMEMBERED = 20


class PrintedPipe:
    """Cuts what comes out of one pipe into lines."""

    def __init__(self, emit: Callable[[bytes, int], None], flush: Callable[[], None]) -> None:
        self._emit = emit
        self._flush = flush
        self._line = bytearray()
        self._cut = 0

    def feed(self, chunk: bytes) -> None:
        """Take what was read."""
        pieces = chunk.split(b"\n")
        for position, piece in enumerate(pieces):
            room = LINE_LIMIT - len(self._line)
            self._line += piece[:room]
            self._cut += max(0, len(piece) - room)
            if position < len(pieces) - 1:
                self._pass_on()

    def end(self) -> None:
        """Pass on what came after the last line's end."""
        if self._line:
            self._pass_on()
        self._flush()

    def _pass_on(self) -> None:
        self._emit(bytes(self._line), self._cut)
        self._line.clear()
        self._cut = 0


class PrintedLines:
    """Turns what a process prints into lines, at most 200 a second after a burst of 1,000; counts what it drops."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._last: deque[str] = deque(maxlen=_REMEMBERED)
        self._allowance = float(_BURST)
        self._refilled = asyncio.get_running_loop().time()
        self._dropped = 0

    @property
    def last(self) -> Sequence[str]:
        """The last lines, also those that were too many to pass on; for failures."""
        return tuple(self._last)

    async def follow(self, reader: asyncio.StreamReader) -> None:
        """Read until the end of the pipe. Whatever is printed is read, so that the connector never blocks on it."""
        pipe = self.pipe()
        while chunk := await reader.read(64 * 1024):
            pipe.feed(chunk)
        pipe.end()

    def pipe(self) -> PrintedPipe:
        """Return what cuts one pipe into lines; each pipe of a process has its own."""
        return PrintedPipe(self._emit, self.flush)

    def flush(self) -> None:
        """Say how many lines were dropped since the last line that was passed on, if any were."""
        if self._dropped:
            self._on_line(f"({self._dropped} printed lines were dropped: more than {_PER_SECOND} a second)")
            self._dropped = 0

    def _emit(self, raw: bytes, cut: int) -> None:
        text = raw.decode("utf-8", errors="replace").rstrip("\r")
        text = "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
        if cut:
            text += f" ... ({cut} bytes more)"
        if not text.strip():
            return
        self._last.append(text[:500])
        now = asyncio.get_running_loop().time()
        self._allowance = min(float(_BURST), self._allowance + (now - self._refilled) * _PER_SECOND)
        self._refilled = now
        if self._allowance < 1:
            self._dropped += 1
            return
        self._allowance -= 1
        self.flush()
        self._on_line(text)
