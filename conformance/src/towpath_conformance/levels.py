"""What a process holds, seen from outside: threads, descriptors, CPU; and whether it lets go of it again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from towpath_conformance.targets.port import Process

__all__ = ["FREED_SECONDS", "Levels", "level_of", "not_freed", "settled"]

FREED_SECONDS = 5.0
"""Within so long a call that has ended must have let go of everything."""

_SLACK = 3
"""A pool may have grown by a thread or two meanwhile; checks use more calls than that."""
_WATCHED_SECONDS = 0.4
_STILL_SECONDS = 0.2
_IDLE_CPU = 0.5
"""Of one core. A runtime that collects its garbage needs less; a call that goes on needs all that there is."""


@dataclass(frozen=True)
class Levels:
    """Threads and descriptors of a process and its children."""

    threads: int
    descriptors: int

    def __str__(self) -> str:
        """As in messages."""
        return f"{self.threads} threads and {self.descriptors} descriptors"

    def exceeds(self, before: Levels) -> bool:
        """More than `before`, beyond what happens by itself."""
        return self.threads > before.threads + _SLACK or self.descriptors > before.descriptors + _SLACK


def level_of(process: Process) -> Levels:
    """Count now."""
    return Levels(process.threads(), process.descriptors())


async def settled(process: Process) -> Levels:
    """Wait until the levels change no more, in good time, and return them."""
    deadline = time.monotonic() + FREED_SECONDS
    before, now = None, level_of(process)
    while now != before and time.monotonic() < deadline:
        await asyncio.sleep(_STILL_SECONDS)
        before, now = now, level_of(process)
    return now


async def not_freed(process: Process, before: Levels) -> str:
    """Wait until the levels are back and the process is idle; say what was not freed in time, empty when all was."""
    deadline = time.monotonic() + FREED_SECONDS
    while (now := level_of(process)).exceeds(before):
        if time.monotonic() >= deadline:
            return f"it had {before} before, and {FREED_SECONDS:g} s later it still has {now}"
        await asyncio.sleep(0.05)
    while True:
        used = process.cpu_seconds()
        await asyncio.sleep(_WATCHED_SECONDS)
        share = (process.cpu_seconds() - used) / _WATCHED_SECONDS
        if share <= _IDLE_CPU:
            return ""
        if time.monotonic() >= deadline:
            return f"{FREED_SECONDS:g} s later it still uses {share:.0%} of a core, and nobody asks for anything"
