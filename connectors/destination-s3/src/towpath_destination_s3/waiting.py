"""How much data may wait in memory: a bound for the whole process, shared by the writers that are open."""

from __future__ import annotations

import threading
import weakref

__all__ = ["Share"]

_PROCESS_BYTES = 64 << 20
_LEAST_BYTES = 16 << 20  # less than a part and a row group would end files that are hardly begun

_lock = threading.Lock()
_shares: weakref.WeakSet[Share] = weakref.WeakSet()


class Share:
    """One writer's part of the bound, smaller the more writers there are. Use from any thread; close it."""

    def __init__(self) -> None:
        with _lock:
            _shares.add(self)

    @property
    def bytes(self) -> int:
        """What may wait in this writer now."""
        with _lock:
            return max(_LEAST_BYTES, _PROCESS_BYTES // max(1, len(_shares)))

    def close(self) -> None:
        """Leave the rest to the others. Repeatable."""
        with _lock:
            _shares.discard(self)
