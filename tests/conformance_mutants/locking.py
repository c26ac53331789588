"""The defect of a lock that outlives its call: a method runs under it, and forgets it when the call is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from conformance_mutants.proxy import Begin, Ending, Relayed

__all__ = ["forgets_its_lock"]

_SECONDS = 0.05
"""How long the lock is held at least, so that there is time to cancel."""


def forgets_its_lock(method: str) -> Callable[[], Begin]:
    """Make the relay of an instance that has one lock for all calls of a method."""

    def begins() -> Begin:
        lock = asyncio.Lock()
        return lambda called: _Locking(lock) if called == method else Relayed()

    return begins


class _Locking(Relayed):
    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock, self._held, self._ended = lock, False, False

    async def request(self, raw: bytes) -> Iterable[bytes]:
        await self._lock.acquire()
        if self._ended:  # refused before it got here, which is no cancellation
            self._lock.release()
            return ()
        self._held = True
        await asyncio.sleep(_SECONDS)
        return (raw,)

    async def response(self, raw: bytes) -> Iterable[bytes]:
        await asyncio.sleep(_SECONDS / 2)
        return (raw,)

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        self._ended = True
        if self._held:
            self._lock.release()
        return (), ending
