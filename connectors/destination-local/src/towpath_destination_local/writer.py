"""One writer: from batches to staged files, which nobody can see before `complete`.

A commit ends the open files, makes them durable, looks at the fence, and names them in its receipt. What no receipt
names is deleted: by `close`, by the opening of the next attempt, or by `complete`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from towpath_sdk import Batch, Committed, Context, Misconfigured, OpenWrite, WriteMode

from towpath_destination_local.columns import with_metadata
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import sync_folder, translated, unlink_all
from towpath_destination_local.fence import Fence
from towpath_destination_local.files import RollingFiles
from towpath_destination_local.layout import STAGED, Layout, write_token, writer_token
from towpath_destination_local.locks import shared
from towpath_destination_local.receipt import StagedFile, read_receipts, write_receipt

__all__ = ["LocalWriter"]

_WAITING_BYTES = 32 << 20


class LocalWriter:
    """Writes some streams of one write. Opening it shuts older epochs out and discards what they left."""

    def __init__(self, config: LocalConfig, write: OpenWrite, context: Context) -> None:
        self._config = config
        self._write = write
        self._context = context
        self._layout = Layout(config.path)
        self._folder = self._layout.write(write.write_id)
        self._mine = f"{write_token(write.write_id)}-{writer_token(write.writer_id)}-"
        self._part = count(1)
        self._commit_seq = write.resume_after_commit_seq + 1
        self._fence = Fence(self._layout, write.write_id, write.writer_id, write.epoch)
        self._files = [self._files_of(index) for index in range(len(write.streams))]
        with translated(f"opening {config.path}"), shared(self._layout.lock, wait=context.wait):
            self._fence.raise_to_epoch(context.wait)
            self.discarded = self._discard_leftovers()

    def write(self, batch: Batch) -> None:
        """Take one batch."""
        self._check_fence()
        stream = self._write.streams[batch.stream]
        if stream.mode is WriteMode.DEDUP:
            missing = sorted(set(stream.primary_key) - set(batch.records.schema.names))
            if missing:
                raise Misconfigured(f"{stream.name} has no column {missing[0]}, which its key needs", reason="NO_KEY")
        records = batch.records
        if self._config.metadata_columns:
            records = with_metadata(records, datetime.now(UTC), stream.generation_id, self._write.write_id)
        self._files[batch.stream].write(records)
        while sum(files.waiting for files in self._files) > _WAITING_BYTES:
            max(self._files, key=lambda files: files.waiting).flush()

    def commit(self, commit_seq: int) -> Committed:
        """Make everything since the last commit durable. Raises Fenced when a newer epoch has taken over."""
        with shared(self._layout.lock, wait=self._context.wait):
            for files in self._files:
                files.end()
            self._check_fence()
            with translated(f"writing {self._folder}"):
                sync_folder(self._folder)
        staged: list[StagedFile] = []
        rows: dict[int, int] = {}
        for index, (stream, files) in enumerate(zip(self._write.streams, self._files, strict=True)):
            key = tuple(stream.primary_key) if stream.mode is WriteMode.DEDUP else None
            for file in files.take():
                staged.append(StagedFile(file.name, stream.name, stream.generation_id, file.rows, file.bytes, key))
                rows[index] = rows.get(index, 0) + file.rows
        self._commit_seq, self._part = commit_seq + 1, count(1)
        return Committed(write_receipt(self._write.writer_id, self._write.epoch, commit_seq, staged), rows)

    def close(self) -> None:
        """Discard what was not committed."""
        for files in self._files:
            files.discard()

    def _check_fence(self) -> None:
        with translated(f"reading {self._folder}"):
            self._fence.check()

    def _files_of(self, index: int) -> RollingFiles:
        stream = self._write.streams[index]

        def next_name() -> str:
            place = f"{self._write.epoch}-{self._commit_seq:06d}-{next(self._part):05d}"
            return f"{self._mine}{place}.parquet{STAGED}"

        return RollingFiles(self._folder, stream.name, self._config.format, self._config.target_file_bytes, next_name)

    def _discard_leftovers(self) -> int:
        named = {file.name for file in read_receipts(self._write.receipts)}
        return unlink_all(path for path in self._folder.glob(f"{self._mine}*") if path.name not in named)
