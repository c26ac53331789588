"""CPU seconds and peak memory of a set of processes, sampled while they live, attributed by role."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import psutil

__all__ = ["ProcessMeter", "Usage"]

SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class Usage:
    """What the processes of one role used: CPU seconds (user and system), and the highest RSS of any one, in bytes."""

    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0


class ProcessMeter:
    """Samples a process tree until the `with` block ends; CPU is counted from the first sample of each process.

    `role` names a process from its command line, or returns None for processes that do not count.
    """

    def __init__(self, roots: Iterable[int], role: Callable[[list[str]], str | None]) -> None:
        self._roots = list(roots)
        self._role = role
        self._roles: dict[psutil.Process, str | None] = {}
        self._first: dict[psutil.Process, float] = {}
        self._last: dict[psutil.Process, float] = {}
        self._peak: dict[psutil.Process, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Start sampling."""
        self._sample(newcomers_begin_at_zero=False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the last sample."""
        self._stop.set()
        self._thread.join()
        self._sample()

    def usage(self) -> dict[str, Usage]:
        """Usage by role, over every process that was seen."""
        result: dict[str, Usage] = {}
        for process, last in self._last.items():
            role = self._roles[process]
            if role is None:
                continue
            before = result.get(role, Usage())
            result[role] = Usage(
                before.cpu_seconds + last - self._first[process], max(before.peak_rss_bytes, self._peak[process])
            )
        return result

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self, *, newcomers_begin_at_zero: bool = True) -> None:
        for process in self._processes():
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    rss = process.memory_info().rss
                    if process not in self._roles or self._roles[process] is None:
                        self._roles[process] = self._role(process.cmdline())
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
            cpu = times.user + times.system
            self._first.setdefault(process, 0.0 if newcomers_begin_at_zero else cpu)
            self._last[process] = cpu
            self._peak[process] = max(self._peak.get(process, 0), rss)

    def _processes(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for root in self._roots:
            try:
                process = psutil.Process(root)
                found += [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return found
