"""One writer: from batches to staged files, which nobody can see before `complete`.

A commit ends the open files, makes them durable, looks at the fence, and names them in its receipt. What no receipt
names is deleted: by `close`, by the opening of the next attempt, or by `complete`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of arrays open.
from __future__ import annotations

import uuid
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pyarrow as pa
from pyarrow import compute
from towpath_sdk import BadRecord, Batch, Committed, Context, OpenWrite, WriteMode
from towpath_sdk.files import Bound, ParquetFormat, StoredColumns, extension, storing

from towpath_destination_local.changes import OP
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import sync_folder, translated
from towpath_destination_local.fence import Fence
from towpath_destination_local.files import RollingFiles
from towpath_destination_local.keys import check_key
from towpath_destination_local.layout import STAGED, Layout, write_token, writer_token
from towpath_destination_local.locks import shared
from towpath_destination_local.receipt import StagedFile, read_receipts, write_receipt

__all__ = ["LocalWriter"]

pc: Any = compute

_PROCESS = Bound(bytes_in_all=64 << 20, least_bytes=8 << 20)
"""What may wait in memory, in all writers of this process together."""
_KNOWN_OPS = pa.array([1, 2, 3, 4])


class LocalWriter:
    """Writes some streams of one write. Opening it shuts older epochs out and discards what they left."""

    def __init__(self, config: LocalConfig, write: OpenWrite, context: Context) -> None:
        self._config = config
        self._write = write
        self._context = context
        self._layout = Layout(config.path)
        self._folder = self._layout.write(write.write_id)
        self._mine = f"{write_token(write.write_id)}-{writer_token(write.writer_id)}-"
        self._opening = uuid.uuid4().hex[:8]  # no name is ever used twice, whoever else believes to be this writer
        self._part = count(1)
        self._commit_seq = write.resume_after_commit_seq + 1
        self._columns: dict[int, tuple[pa.Schema, StoredColumns]] = {}
        self._files = [self._files_of(index) for index in range(len(write.streams))]
        self._fence = Fence(self._layout, write.write_id, write.writer_id, write.epoch)
        with translated(f"opening {config.path}"), shared(self._layout.lock, wait=context.wait):
            self._fence.raise_to_epoch(context.wait)
            self.discarded = self._discard_leftovers()
        self._share = _PROCESS.share()

    def write(self, batch: Batch) -> None:
        """Take one batch. Raises Fenced when a newer epoch has taken over, BadRecord for what cannot be stored."""
        self._check_fence()
        stream = self._write.streams[batch.stream]
        if stream.mode is WriteMode.DEDUP:
            _check_ops(str(stream.name), batch.records)
        columns = self._columns_of(batch.stream, batch.records.schema)
        with storing(stream.name):
            stored = columns.convert(batch.records, datetime.now(UTC), stream.generation_id, self._write.write_id)
        self._files[batch.stream].write(stored)
        while sum(files.buffered for files in self._files) > self._share.bytes:
            max(self._files, key=lambda files: files.buffered).flush()

    def commit(self, commit_seq: int) -> Committed:
        """Make everything since the last commit durable. Raises Fenced when a newer epoch has taken over."""
        with shared(self._layout.lock, wait=self._context.wait):
            for files in self._files:
                files.end()
            self._check_fence()
            with translated(f"writing to {self._folder}"):
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
        self._share.close()
        for files in self._files:
            files.discard()

    def _check_fence(self) -> None:
        with translated(f"reading {self._folder}"):
            self._fence.check()

    def _files_of(self, index: int) -> RollingFiles:
        stream = self._write.streams[index]
        # What is merged later has to be read back exactly.
        form = ParquetFormat() if stream.mode is WriteMode.DEDUP else self._config.format

        def next_name() -> str:
            return (
                f"{self._mine}{self._opening}-{self._commit_seq:06d}-{next(self._part):05d}.{extension(form)}{STAGED}"
            )

        return RollingFiles(self._folder, stream.name, form, self._config.target_file_bytes, next_name)

    def _columns_of(self, index: int, schema: pa.Schema) -> StoredColumns:
        known = self._columns.get(index)
        if known is None or not known[0].equals(schema, check_metadata=True):
            stream = self._write.streams[index]
            check_key(stream, schema)
            known = schema, StoredColumns.of(str(stream.name), schema, metadata_columns=self._config.metadata_columns)
            self._columns[index] = known
        return known[1]

    def _discard_leftovers(self) -> int:
        named = {file.name for file in read_receipts(self._write.receipts)}
        leftovers = [path for path in self._folder.glob(f"{self._mine}*") if path.name not in named]
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)


def _check_ops(stream: str, records: pa.RecordBatch) -> None:
    """Raise BadRecord for an operation that nobody knows: guessing could delete rows, or bring them back."""
    if OP not in records.schema.names:
        return
    known: Any = pc.is_in(records.column(OP), value_set=_KNOWN_OPS.cast(records.schema.field(OP).type))
    if not pc.all(known, min_count=0).as_py():
        raise BadRecord(f"{stream} has a row whose {OP} is none of 1, 2, 3, 4", reason="UNKNOWN_OPERATION")
