"""The machine that figures come from, and where they are written to."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil

__all__ = ["CpuClock", "machine", "write_report"]


class CpuClock:
    """CPU seconds, user and system, that each of some running processes has used since now."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        """Start; `processes` are process ids by role."""
        self._processes = {role: psutil.Process(pid) for role, pid in processes.items()}
        self._began = self._now()

    def seconds(self) -> dict[str, float]:
        """What was used until now, by role. Every process must still be there."""
        return {role: round(used - self._began[role], 3) for role, used in self._now().items()}

    def _now(self) -> dict[str, float]:
        times = {role: process.cpu_times() for role, process in self._processes.items()}
        return {role: time.user + time.system for role, time in times.items()}


def machine() -> dict[str, object]:
    """What it is, and how busy: the load of the last minute tells whether figures are to be trusted."""
    return {
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def write_report(path: Path, report: Mapping[str, object]) -> None:
    """Write figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
