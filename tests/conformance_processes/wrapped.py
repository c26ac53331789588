"""The good writer, seen by a bad one."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
from towpath_sdk import Batch, Committed, OpenWrite, Writer

__all__ = ["Wrapped"]


class Wrapped(Writer):
    """A good writer, seen by a bad one. It counts no rows, so the SDK counts what it handed over."""

    def __init__(self, inner: Writer, write: OpenWrite) -> None:
        self.inner, self.opened = inner, write

    def change(self, batch: Batch) -> pa.RecordBatch | None:
        """Return what is written in the place of a batch; None for nothing."""
        return batch.records

    def write(self, batch: Batch) -> None:
        """Write what `change` returns."""
        records = self.change(batch)
        if records is not None and records.num_rows:
            self.inner.write(replace(batch, records=records))

    def commit(self, commit_seq: int) -> Committed:
        """Commit, without counting."""
        return Committed(self.inner.commit(commit_seq).receipt)

    def close(self) -> None:
        """Close the good one."""
        self.inner.close()
