# ruff: noqa: ARG002 - the signatures are the SDK's
"""A destination that keeps what it is given in memory, so that a test can look at what an author's code saw."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from towpath_sdk import (
    Batch,
    Committed,
    Config,
    Context,
    Destination,
    OpenWrite,
    Probe,
    Secret,
    StreamName,
    WriteMode,
    Writer,
    WriteStream,
)

__all__ = ["ORDERS", "Shelf", "ShelfConfig", "ShelfWriter", "numbers"]

ORDERS = WriteStream(StreamName("shop", "orders"), WriteMode.APPEND)


class ShelfConfig(Config):
    """Needs nothing."""

    password: Secret | None = None


def numbers(*values: int) -> pa.RecordBatch:
    """Return a record batch of one column, `n`."""
    return pa.record_batch({"n": pa.array(values, pa.int64())})


@dataclass
class ShelfWriter(Writer):
    """Notes what happens to it."""

    opened: OpenWrite
    shelf: Shelf
    batches: list[Batch] = field(default_factory=list[Batch])
    commits: list[int] = field(default_factory=list[int])
    closed: int = 0

    def write(self, batch: Batch) -> None:
        """Keep it, once the test allows."""
        self.shelf.inside_write.set()
        if not self.shelf.may_write.wait(20):
            raise TimeoutError
        self.shelf.on_write(batch)
        self.batches.append(batch)

    def commit(self, commit_seq: int) -> Committed:
        """Answer with a receipt that names writer, epoch and commit."""
        self.commits.append(commit_seq)
        return Committed(f"{self.opened.writer_id} {self.opened.epoch} {commit_seq}".encode())

    def close(self) -> None:
        """Note it."""
        self.closed += 1

    @property
    def values(self) -> list[int]:
        """All numbers that were written."""
        return [int(row["n"]) for batch in self.batches for row in batch.records.to_pylist()]


class Shelf(Destination[ShelfConfig]):
    """Keeps its writers, and what was completed and aborted."""

    write_modes = (WriteMode.APPEND, WriteMode.OVERWRITE)
    discards_after_resume = True

    def __init__(self, on_write: Callable[[Batch], object] = lambda _: None) -> None:
        self.on_write = on_write
        self.writers: list[ShelfWriter] = []
        self.completed: list[tuple[str, Sequence[bytes], Sequence[WriteStream]]] = []
        self.aborted: list[str] = []
        self.may_write = threading.Event()
        """Set to let `write` go on."""
        self.may_write.set()
        self.inside_write = threading.Event()
        """Set when a writer has come to `write`."""

    def check(self, config: ShelfConfig) -> Iterator[Probe]:
        """All is well."""
        yield Probe("memory", lambda: None)

    def open(self, config: ShelfConfig, write: OpenWrite, context: Context) -> Writer:
        """Hand out a writer."""
        self.writers.append(ShelfWriter(write, self))
        return self.writers[-1]

    def complete(
        self, config: ShelfConfig, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """Note it."""
        self.completed.append((write_id, receipts, completed_streams))

    def abort(self, config: ShelfConfig, write_id: str) -> None:
        """Note it."""
        self.aborted.append(write_id)

    @property
    def writer(self) -> ShelfWriter:
        """The only writer."""
        (writer,) = self.writers
        return writer
