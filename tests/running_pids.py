"""Processes of this machine by a variable of their environment, for tests that look for them many times a second."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

_SETTLED_SECONDS = 1.0
"""A process takes its environment when it begins to run its program, soon after it is there."""
_SETTLED = float("-inf")
"""Since when a process is a stranger that was one when it was old enough to be judged."""
_REMEMBERED_SECONDS = 5.0
"""An id is given to another process only when all others were, which takes longer than this."""


@dataclass
class Pids:
    """Remembers which processes are strangers: reading the environment of each, each time, keeps a core busy."""

    _strangers: dict[str, float] = field(default_factory=dict[str, float])
    _looked: float = 0.0

    def started_with(self, variable: str, part: str) -> list[int]:
        """Return the ids of the processes that run with a `variable` that contains `part`."""
        now = time.monotonic()
        known = self._strangers if now - self._looked < _REMEMBERED_SECONDS else {}
        self._strangers, self._looked = {}, now
        found: list[int] = []
        for pid in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - a Path for each would cost the most
            since = known.get(pid, now)
            if since != _SETTLED and _has(pid, f"{variable}=".encode(), part.encode()):
                found.append(int(pid))
            else:
                self._strangers[pid] = _SETTLED if now - since >= _SETTLED_SECONDS else since
        return found


def only_forks(pid: int) -> bool:
    """Tell whether a process is no connector, but one that forks connectors: by its name, for its command is theirs."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "towpath-forks\n"
    except OSError:
        return False


def _has(pid: str, start: bytes, part: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb", 0) as file:  # noqa: PTH123
            environment = file.read()
    except OSError:  # it is gone, or somebody else's
        return False
    return part in environment and any(entry.startswith(start) and part in entry for entry in environment.split(b"\0"))
