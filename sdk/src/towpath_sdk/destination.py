# ruff: noqa: ARG002 - what an author may need, a default does not
"""What the author of a destination writes: a `Destination`, and a `Writer` for each Write stream.

The contract that makes delivery exactly-once: what a writer made durable before `commit` returned survives a SIGKILL;
what came after is discarded by the `open` of the next attempt; nothing is visible to readers before `complete`, which
publishes exactly what the receipts name. Each call runs in a thread of its own, the calls of one writer in one
thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

import pyarrow as pa

from towpath_sdk.catalog import WriteMode, WriteStream
from towpath_sdk.config import Config

if TYPE_CHECKING:
    from towpath_sdk.check import Probe
    from towpath_sdk.context import Context

__all__ = ["Batch", "ColumnPlan", "Committed", "Destination", "Fit", "OpenWrite", "Writer"]

ConfigT = TypeVar("ConfigT", bound=Config)


class Fit(Enum):
    """How well a column can be stored; the numbers are those of ColumnPlan.Fit."""

    LOSSLESS = 1
    LOSSY = 2
    NEEDS_REFRESH = 3
    IMPOSSIBLE = 4


@dataclass(frozen=True)
class ColumnPlan:
    """The fate of one column that is renamed, coerced or impossible; `stream` is its index in the request."""

    stream: int
    column: str
    stored_name: str
    fit: Fit
    reason: str


@dataclass(frozen=True)
class OpenWrite:
    """What a writer is opened with. `receipts` are those that the platform stored, oldest first."""

    write_id: str
    writer_id: str
    epoch: int
    streams: Sequence[WriteStream]
    resume_after_commit_seq: int = 0
    receipts: Sequence[bytes] = ()


@dataclass(frozen=True)
class Batch:
    """Verified and decoded data of one stream. `stream` is the index in `OpenWrite.streams`."""

    stream: int
    batch_seq: int
    records: pa.RecordBatch
    primary_key: Sequence[str] = ()


@dataclass(frozen=True)
class Committed:
    """What a commit made durable: an opaque receipt without secrets, and the rows per stream index.

    The rows are compared with what source and broker have counted. A writer that knows how many it stored says so;
    without `rows` the SDK counts those that it has handed over since the last commit.
    """

    receipt: bytes
    rows: Mapping[int, int] | None = None


class Writer(Protocol):
    """One writer of a write. Its calls come one at a time, from one thread."""

    discarded: int = 0
    """Objects, rows or files of earlier attempts that opening discarded; for the log."""

    def write(self, batch: Batch) -> None:
        """Take one batch; may buffer, but only a bounded number of bytes.

        Raise BadRecord for a value that cannot be stored, Unavailable or Throttled when the remote system asks for a
        retry. Whatever is raised ends the write; the next attempt begins after the last commit.
        """
        ...

    def commit(self, commit_seq: int) -> Committed:
        """Make everything written so far durable, then return what that was.

        `commit_seq` grows by one, and over all attempts. Raise Fenced when a newer epoch has taken over.
        """
        ...

    def close(self) -> None:
        """Free everything; what follows the last commit is discarded. Called exactly once, also after an error."""
        return


class Destination(Generic[ConfigT]):
    """A destination. Subclass it with a `Config` as the parameter."""

    connector_id: ClassVar[str] = ""
    version: ClassVar[str] = "0.1.0"
    title: ClassVar[str] = ""
    documentation_url: ClassVar[str] = ""
    write_modes: ClassVar[Sequence[WriteMode]] = (WriteMode.APPEND,)
    discards_after_resume: ClassVar[bool] = False
    """The writer discards after resume and fences: delivery is exactly-once."""
    max_writers_per_stream: ClassVar[int] = 1

    def check(self, config: ConfigT) -> Iterable[Probe]:
        """Yield named probes in order, as `Source.check` does."""
        raise NotImplementedError

    def prepare(
        self,
        config: ConfigT,
        write_id: str,
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,
    ) -> Iterable[ColumnPlan]:
        """Plan each column that is not stored as it is; create what has to exist.

        Idempotent. `schemas` pairs `streams`; with `dry_run` nothing is created. By default every column is stored as
        it is, and nothing has to exist before. Raise Misconfigured when a stream cannot be written at all.
        """
        return ()

    def location(self, config: ConfigT, stream: WriteStream, schema: pa.Schema) -> str:
        """Say where the rows of a stream will be found, for people; empty when that cannot be told.

        Asked in a dry run, after `prepare` found nothing wrong. Write "…" for what is known only when rows are written,
        as in `s3://lake/public/orders/day=…/….parquet`, and no secrets. Reach out to nobody.
        """
        return ""

    def open(self, config: ConfigT, write: OpenWrite, context: Context) -> Writer:
        """Fence older epochs, discard what follows `resume_after_commit_seq`, and return a writer."""
        raise NotImplementedError

    def complete(
        self, config: ConfigT, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """Publish exactly what the receipts name, discard the rest, remove replaced generations. Idempotent."""
        raise NotImplementedError

    def abort(self, config: ConfigT, write_id: str) -> None:
        """Discard everything staged by this write, also of writers whose receipts were lost. Idempotent."""
        raise NotImplementedError
