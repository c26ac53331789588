"""An attempt at a write to S3 without the connector around it, so that a test can stop it anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import pyarrow as pa
from destination_s3_steps import orders
from towpath_destination_s3.config import S3Config
from towpath_destination_s3.store import Store
from towpath_destination_s3.writer import S3Writer
from towpath_sdk import Batch, Committed, OpenWrite, WriteStream
from towpath_sdk._serve.call_context import CallContext

__all__ = ["Attempt"]


class Attempt:
    """One attempt at a write: a test kills it by forgetting it.

    Used as a context, it closes its writer, as the SDK does also after an error.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        streams: Sequence[WriteStream] | None = None,
        write_id: str = "job-1",
        writer_id: str = "writer-1",
        epoch: int = 1,
        resume_after: int = 0,
        receipts: Sequence[bytes] = (),
    ) -> None:
        """Raises what opening raises."""
        self._config = S3Config.model_validate(config)
        write = OpenWrite(write_id, writer_id, epoch, streams or [orders()], resume_after, receipts)
        self.writer = S3Writer(self._config, write, CallContext())
        self._commit_seq = resume_after

    @cached_property
    def store(self) -> Store:
        """The bucket, as a publication sees it after the writer."""
        return Store(self._config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, batch: pa.RecordBatch, *, stream: int = 0) -> None:
        """Write rows of one stream."""
        self.writer.write(Batch(stream, 1, batch))

    def begin_file(self, batch: pa.RecordBatch) -> None:
        """Write rows, and begin the upload of their file without ending it."""
        self.write(batch)
        (file,) = self.writer._files[0]._open.values()
        file.sink._upload = file.sink._begin()

    def stage(self) -> None:
        """Upload everything, as a commit does that is killed before it looks at the fence."""
        for files in self.writer._files.values():
            files.stage()

    def commit(self) -> Committed:
        """Commit what was written, under the next number."""
        self._commit_seq += 1
        return self.writer.commit(self._commit_seq)

    def close(self) -> None:
        """Discard what was not committed."""
        self.writer.close()
