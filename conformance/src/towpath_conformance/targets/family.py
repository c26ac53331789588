"""A process and its children, as the kernel counts them."""

from __future__ import annotations

import psutil

__all__ = ["Family"]


class Family:
    """What a process and its children use now. Raises psutil.Error once it has ended, or where it cannot be seen."""

    def __init__(self, pid: int) -> None:
        self._first = psutil.Process(pid)

    def resident_bytes(self) -> int:
        """Memory that is resident."""
        return sum(process.memory_info().rss for process in self._all())

    def cpu_seconds(self) -> float:
        """CPU time, that of ended children included."""
        times = self._first.cpu_times()
        return times.children_user + times.children_system + sum(sum(p.cpu_times()[:2]) for p in self._all())

    def threads(self) -> int:
        """Threads."""
        return sum(process.num_threads() for process in self._all())

    def descriptors(self) -> int:
        """Open file descriptors."""
        return sum(process.num_fds() for process in self._all())

    def _all(self) -> list[psutil.Process]:
        return [self._first, *self._first.children(recursive=True)]
