"""Destinations that leave locks behind, hold what they should write, or lose what lies aside when they are killed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from towpath_destination_local.config import LocalConfig
from towpath_destination_local.destination import LocalDestination
from towpath_destination_local.layout import Layout
from towpath_sdk import Batch, Committed, Conflict, Context, OpenWrite, Writer, WriteStream

from conformance_processes.deaf import Deaf
from conformance_processes.wrapped import Wrapped

__all__ = ["DeafDestination", "FlushesLater", "ForgetsHalfway", "KeepsUntilTheCommit", "LeavesALock"]


class DeafDestination(LocalDestination):
    """Waits for a lock without end."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open, and hear of no cancellation."""
        deaf: Any = Deaf(context)
        return super().open(config, write, deaf)


class LeavesALock(LocalDestination):
    """Locks each writer by a file that nobody removes when the process dies."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open a writer that nobody else has open."""
        writer = super().open(config, write, context)
        lock = Path(config.path, f"_{write.write_id}-{write.writer_id}.lock")
        if lock.exists() and lock.read_text() != str(os.getpid()):
            raise Conflict("another process writes this", reason="LOCKED")
        lock.write_text(str(os.getpid()))

        class _Locked(Wrapped):
            def close(self) -> None:
                lock.unlink(missing_ok=True)
                super().close()

        return _Locked(writer, write)


class KeepsUntilTheCommit(LocalDestination):
    """Collects in memory what a commit will cover."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open a writer that collects."""
        return _Collecting(super().open(config, write, context), write)


class _Collecting(Wrapped):
    def __init__(self, inner: Writer, write: OpenWrite) -> None:
        super().__init__(inner, write)
        self._collected: list[Batch] = []

    def write(self, batch: Batch) -> None:
        self._collected.append(batch)

    def commit(self, commit_seq: int) -> Committed:
        for batch in self._collected:
            super().write(batch)
        self._collected.clear()
        return super().commit(commit_seq)


class FlushesLater(LocalDestination):
    """Answers a commit before its files lie where they belong: the next call puts them there."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open a writer that is late by one call."""
        folder = Layout(config.path).write(write.write_id)

        class _Later(Wrapped):
            _aside: Path | None = None

            def write(self, batch: Batch) -> None:
                self._flush()
                super().write(batch)

            def commit(self, commit_seq: int) -> Committed:
                self._flush()
                committed = super().commit(commit_seq)
                self._aside = Path(tempfile.mkdtemp())
                for item in json.loads(committed.receipt)["files"]:
                    shutil.move(folder / item["name"], self._aside)
                return committed

            def close(self) -> None:
                self._flush()
                super().close()

            def _flush(self) -> None:
                if self._aside is not None:
                    for path in self._aside.iterdir():
                        shutil.move(path, folder)
                    self._aside.rmdir()
                    self._aside = None

        return _Later(super().open(config, write, context), write)


class ForgetsHalfway(LocalDestination):
    """Takes staged files away before it publishes them, so that whoever is killed in between has lost them."""

    def complete(
        self, config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """Take away, wait, bring back, publish."""
        folder = Layout(config.path).write(write_id)
        if folder.exists():
            aside = Path(tempfile.mkdtemp()) / "staged"
            shutil.move(folder, aside)
            time.sleep(0.2)
            shutil.move(aside, folder)
        super().complete(config, write_id, receipts, completed_streams)
