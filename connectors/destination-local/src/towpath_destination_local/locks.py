"""Locks between processes: advisory locks of the system, which end with the process that holds them.

Waiting is polling, so that a call which is cancelled while it waits ends at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path

from towpath_destination_local.disk import make_folder

__all__ = ["locked", "shared"]

_POLL_SECONDS = 0.02


@contextlib.contextmanager
def locked(path: Path, *, wait: Callable[[float], None] = time.sleep) -> Generator[int]:
    """Hold a file's lock alone; yields its descriptor. `wait` sleeps some seconds, and may raise to give up."""
    with _held(path, fcntl.LOCK_EX, wait) as descriptor:
        yield descriptor


@contextlib.contextmanager
def shared(path: Path, *, wait: Callable[[float], None] = time.sleep) -> Generator[int]:
    """Hold a file's lock together with others that share it."""
    with _held(path, fcntl.LOCK_SH, wait) as descriptor:
        yield descriptor


@contextlib.contextmanager
def _held(path: Path, how: int, wait: Callable[[float], None]) -> Generator[int]:
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            except BlockingIOError:
                wait(_POLL_SECONDS)
            else:
                break
        yield descriptor
    finally:
        os.close(descriptor)
