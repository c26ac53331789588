"""Crashes at every step: whatever changes the file system may be the last thing that a process did."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Crash", "crashes"]


class Crash(BaseException):
    """The process ends here; nothing that comes after is done, and no handler runs that a SIGKILL would not run."""


class _Countdown:
    """Lets so many changes happen, then crashes, and crashes again at whatever is tried afterwards."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def before(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if self.left <= 0:
                raise Crash
            self.left -= 1
            return change(*arguments, **options)

        return counted


def crashes(act: Callable[[], object]) -> Iterator[int]:
    """Run `act` again and again, each time letting one more change of the file system happen before it crashes.

    Yields after each crash the number of changes that were done; ends when `act` came to its end. The caller brings
    everything back to where it was.
    """
    steps = 0
    while True:
        countdown = _Countdown(steps)
        with pytest.MonkeyPatch.context() as patch:
            for owner, name in [
                (Path, "replace"),
                (Path, "rename"),
                (Path, "unlink"),
                (Path, "mkdir"),
                (Path, "open"),
                (os, "fsync"),
                (shutil, "rmtree"),
            ]:
                patch.setattr(owner, name, countdown.before(getattr(owner, name)))
            try:
                act()
            except Crash:
                crashed = True
            else:
                crashed = False
        if not crashed:
            return
        yield steps
        steps += 1
