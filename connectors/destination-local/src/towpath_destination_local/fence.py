"""The fence: one small file per writer holds the newest epoch. It is changed under its own lock only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from towpath_sdk.errors import Bug, Fenced

from towpath_destination_local.layout import Layout, writer_token
from towpath_destination_local.locks import locked

__all__ = ["Fence"]

_DIGITS = 20  # of the largest epoch; of fixed width, so that one write replaces the other whole


class Fence:
    """The fence of one writer."""

    def __init__(self, layout: Layout, write_id: str, writer_id: str, epoch: int) -> None:
        self._path: Path = layout.write(write_id) / f"{writer_token(writer_id)}.epoch"
        self._epoch = epoch

    def raise_to_epoch(self, wait: Callable[[float], None]) -> None:
        """Shut older epochs out. Raises Fenced when a newer epoch stands already."""
        while not self._raised(wait):
            pass

    def _raised(self, wait: Callable[[float], None]) -> bool:
        """Try once; False when the write ended meanwhile: its folder went away, and the lock with it."""
        try:
            with locked(self._path, wait=wait) as descriptor:
                if not os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    return False
                content = os.pread(descriptor, _DIGITS, 0)
                if not content or self._judge(content) < self._epoch:
                    os.pwrite(descriptor, f"{self._epoch:0{_DIGITS}d}".encode(), 0)
                    os.fsync(descriptor)
        except FileNotFoundError:
            return False
        return True

    def check(self) -> None:
        """Raise Fenced when a newer epoch has taken over."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            raise Fenced(f"the write was completed or aborted while epoch {self._epoch} was at work") from None
        self._judge(content)

    def _judge(self, content: bytes) -> int:
        try:
            stored = int(content)
        except ValueError as error:
            raise Bug(f"{self._path} holds no epoch; remove it") from error
        if stored > self._epoch:
            raise Fenced(f"epoch {stored} has taken over from epoch {self._epoch}")
        return stored
