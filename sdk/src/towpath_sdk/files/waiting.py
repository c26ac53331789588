"""How much data may wait in memory: a bound for the whole process, shared by the writers that are open."""

from __future__ import annotations

import threading
import weakref

__all__ = ["Bound", "Share"]


class Bound:
    """Bytes that may wait in memory, divided evenly among open writers. Use from any thread.

    Each writer may hold `least_bytes`, however many there are: less than a part and a row group would end files that
    are hardly begun.
    """

    def __init__(self, bytes_in_all: int, least_bytes: int) -> None:
        self._bytes_in_all = bytes_in_all
        self._least_bytes = least_bytes
        self._lock = threading.Lock()
        self._shares: weakref.WeakSet[Share] = weakref.WeakSet()

    def share(self) -> Share:
        """Open one writer's part; one that is lost without `close` returns to the others too."""
        share = Share(self)
        with self._lock:
            self._shares.add(share)
        return share

    def bytes_each(self) -> int:
        """What may wait in each writer now."""
        with self._lock:
            return max(self._least_bytes, self._bytes_in_all // max(1, len(self._shares)))

    def leave(self, share: Share) -> None:
        """Leave a part to the others. Repeatable."""
        with self._lock:
            self._shares.discard(share)


class Share:
    """One writer's part of a bound, smaller the more writers there are. Close it."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound

    @property
    def bytes(self) -> int:
        """What may wait in this writer now."""
        return self._bound.bytes_each()

    def close(self) -> None:
        """Leave the rest to the others. Repeatable."""
        self._bound.leave(self)
