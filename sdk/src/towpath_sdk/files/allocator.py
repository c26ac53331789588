"""Memory that is free is given back, so that the process stays small however much it writes.

Messages, row groups and parts are some MiB each and live for moments, in many threads. Left alone, glibc keeps such
blocks in one heap for each thread, and Arrow's pool keeps what it freed: a third of the resident memory of four
parallel writers was free. Taking large blocks from the system and returning them at once costs a few percent of time.
"""

from __future__ import annotations

import ctypes

import pyarrow as pa

__all__ = ["give_memory_back"]

_M_MMAP_THRESHOLD = -3  # malloc.h
_M_ARENA_MAX = -8
_LARGE_BYTES = 512 << 10
_HEAPS = 2


def give_memory_back() -> None:
    """Set the process up, before it starts threads. Without glibc's malloc, only Arrow's part has an effect."""
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, _HEAPS)
