"""How much memory the processes of a Towpath take, at most: the kernel's own high-water mark, read while they live."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import psutil
from stack import Stack

__all__ = ["MemoryPeaks"]

_SAMPLE_SECONDS = 0.1
_MODULES = {
    "towpath_source_postgres": "source",
    "towpath_destination_s3": "destination",
    "towpath_worker": "worker",
    "towpath_server": "server",
    "towpath_local": "up",
}


class MemoryPeaks:
    """Watches a stack for the time of the `with` block; `peaks` are bytes of RSS by role, the highest of any process.

    The high-water mark of a process covers all of its life; looking at it often only serves to see short-lived ones.
    """

    def __init__(self, stack: Stack) -> None:
        self.peaks: dict[str, int] = {}
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            for process in [psutil.Process(self._stack.endpoint.pid), *self._stack.family()]:
                self._look(process)

    def _look(self, process: psutil.Process) -> None:
        try:
            words = process.cmdline()
            status = Path(f"/proc/{process.pid}/status").read_text()
        except (psutil.Error, OSError):
            return
        role = next((role for module, role in _MODULES.items() if module in words), None)
        marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        if role is not None and marks:
            self.peaks[role] = max(self.peaks.get(role, 0), int(marks[0]) << 10)
