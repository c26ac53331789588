"""A file that stands for a remote system that forgets, as a database lets go of what a replication slot has passed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from towpath_sdk import Misconfigured

__all__ = ["Ledger"]


class Ledger:
    """A JSON file with an entry per stream: what was acknowledged, and where the stream ends.

    It is replaced as a whole, so that a reader never sees half of it, and changed under a lock, so that several calls
    and processes can share it. Every method raises Misconfigured when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path

    def probe(self) -> None:
        """Look whether the file can be read and its folder written to; changes nothing."""
        self._entries()
        if not os.access(self._path.parent, os.W_OK | os.X_OK):
            raise self._unusable("its folder does not exist or cannot be written to")

    def hold(self, stream: str, acknowledged: int, end: int) -> None:
        """Note that a read begins: everything from `acknowledged` to `end` is held for it."""
        with self._changing() as entries:
            entries[stream] = {"acknowledged": acknowledged, "end": end}

    def release(self, stream: str, acknowledged: int) -> None:
        """Let go of what lies before `acknowledged`; never takes anything back."""
        with self._changing() as entries:
            entry = entries.setdefault(stream, {"acknowledged": 0, "end": acknowledged})
            entry["acknowledged"] = max(entry["acknowledged"], acknowledged)

    def held(self) -> dict[str, int]:
        """Rows per stream that are held; streams without such are left out."""
        left = {name: entry["end"] - entry["acknowledged"] for name, entry in self._entries().items()}
        return {name: rows for name, rows in left.items() if rows > 0}

    def _entries(self) -> dict[str, dict[str, int]]:
        try:
            return cast("dict[str, dict[str, int]]", json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(f"it cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise self._unusable("it holds something else") from error

    @contextmanager
    def _changing(self) -> Generator[dict[str, Any]]:
        try:
            descriptor = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._unusable(f"its lock cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            entries = self._entries()
            yield entries
            new = self._path.with_name(f"{self._path.name}.new")
            new.write_text(json.dumps(entries, indent=1, sort_keys=True), encoding="utf-8")
            new.replace(self._path)
        finally:
            os.close(descriptor)

    def _unusable(self, problem: str) -> Misconfigured:
        return Misconfigured(
            f"the ledger {self._path} cannot be used: {problem}", reason="UNUSABLE_LEDGER", fields={"ledger": problem}
        )
