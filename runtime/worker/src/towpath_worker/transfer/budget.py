"""Bytes in flight: at most so many per job, over all of its streams.

A byte is in flight from just before the broker asks the source for a message until flow control of the destination
has let it pass. The size of a message is not known before it is there, so each read reserves the size of the largest
batch that its stream has sent so far, and corrects that afterwards. A batch that is larger than all before it
overdraws the budget by the difference, once, and nobody reads until the debt is paid; a batch larger than the whole
budget travels alone.

Beyond this, gRPC itself holds little: at the broker's reading end one HTTP/2 window of 1 MiB per stream, at its
sending end what the socket takes.
"""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Budget", "Grant"]


class Budget:
    """A number of bytes that grants share; first come, first served."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.peak = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def reserve(self, size: int) -> Grant:
        """Wait until `size` bytes fit, or until nothing else is in flight."""
        size = min(size, self.limit)
        if self._waiting or not self._fits(size):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.cancelled():
                    self._leave(turn)
                else:
                    self._give_back(size)
                raise
        else:
            self._take(size)
        return Grant(self, size)

    def change(self, by: int) -> None:
        """Correct what is in use; for grants."""
        if by > 0:
            self._take(by)
        elif by < 0:
            self._give_back(-by)

    def _fits(self, size: int) -> bool:
        return self.used == 0 or self.used + size <= self.limit

    def _take(self, size: int) -> None:
        self.used += size
        self.peak = max(self.peak, self.used)

    def _give_back(self, size: int) -> None:
        self.used -= size
        self._wake()

    def _leave(self, turn: asyncio.Future[None]) -> None:
        """Forget who gave up waiting; its turn may have come and gone between the cancel and now."""
        self._waiting = deque(waiting for waiting in self._waiting if waiting[1] is not turn)
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._take(size)
                turn.set_result(None)


class Grant:
    """A part of the budget, given back once."""

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget = budget
        self._size = size

    @property
    def held(self) -> bool:
        """Whether anything is left to give back."""
        return self._size > 0

    def resize(self, size: int) -> None:
        """Correct the reservation to what the message really has."""
        self._budget.change(size - self._size)
        self._size = size

    def release(self) -> None:
        """Give everything back; harmless when repeated."""
        self.resize(0)
