"""Queues between the loop of the wire and an author's thread; bounded in bytes, never in items."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

from towpath_sdk.errors import Cancelled

__all__ = ["Inbox", "Outbox"]


class Outbox:
    """From the author's thread to the wire: `put` blocks while the wire is slow.

    One message is always let in, whatever its size, so that a large row can pass.
    """

    def __init__(self, max_bytes: int) -> None:
        """Create on the loop that will `get`."""
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._changed = threading.Condition()
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        self._max_bytes = max_bytes
        self._ended = False
        self._closed = False

    def put(self, message: bytes) -> None:
        """Pass a message on, from any thread. Raises Cancelled once the wire is gone."""
        with self._changed:
            while self._bytes and self._bytes + len(message) > self._max_bytes and not self._closed:
                self._changed.wait()
            if self._closed:
                raise Cancelled("the call was cancelled")
            self._messages.append(message)
            self._bytes += len(message)
        self._loop.call_soon_threadsafe(self._ready.set)

    def end(self) -> None:
        """Say that nothing follows; on the loop."""
        self._ended = True
        self._ready.set()

    async def get(self) -> bytes | None:
        """Return the next message, None after the last one."""
        while True:
            with self._changed:
                if self._messages:
                    message = self._messages.popleft()
                    self._bytes -= len(message)
                    self._changed.notify_all()
                    return message
                if self._ended:
                    return None
                self._ready.clear()
            await self._ready.wait()

    def close(self) -> None:
        """Wake whoever blocks in `put`, with Cancelled; what waits is dropped."""
        with self._changed:
            self._closed = True
            self._messages.clear()
            self._changed.notify_all()


class Inbox:
    """From the wire to the author's thread: `put` waits while the author is slow.

    Then nothing is read from the wire, and HTTP/2 flow control slows the sender.
    """

    def __init__(self, max_bytes: int) -> None:
        """Create on the loop that will `put`."""
        self._loop = asyncio.get_running_loop()
        self._space = asyncio.Event()
        self._changed = threading.Condition()
        self._messages: deque[tuple[object, int]] = deque()
        self._bytes = 0
        self._max_bytes = max_bytes
        self._ended = False
        self._closed = False

    async def put(self, message: object, size: int) -> None:
        """Pass on a message of `size` bytes."""
        while True:
            with self._changed:
                if not self._bytes or self._bytes + size <= self._max_bytes:
                    self._messages.append((message, size))
                    self._bytes += size
                    self._changed.notify_all()
                    return
                self._space.clear()
            await self._space.wait()

    def end(self) -> None:
        """Say that nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Wake whoever blocks in `get`, with Cancelled."""
        with self._changed:
            self._closed = True
            self._messages.clear()
            self._changed.notify_all()

    def get(self) -> object | None:
        """Return the next message, None after the last one; blocks. Raises Cancelled when closed."""
        with self._changed:
            while not self._messages and not self._ended and not self._closed:
                self._changed.wait()
            if self._closed:
                raise Cancelled("the call was cancelled")
            if not self._messages:
                return None
            message, size = self._messages.popleft()
            self._bytes -= size
        self._loop.call_soon_threadsafe(self._space.set)
        return message
