"""One writer: from batches to staged files, which nobody can see before `complete`.

A file is an unfinished multipart upload to its final key. A commit ends the open files, waits until every part is
durable, looks at the fence, and names the files in its receipt. What no receipt names is aborted: by `close`, by the
opening of the next attempt, or by `complete`.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Generator, Sequence
from datetime import UTC, datetime

import pyarrow as pa
from towpath_sdk import Batch, Committed, Context, Misconfigured, OpenWrite
from towpath_sdk.errors import Unavailable
from towpath_sdk.files import Bound, StoredColumns, extension, storing

from towpath_destination_s3.config import S3Config
from towpath_destination_s3.fence import Fence
from towpath_destination_s3.files import StreamFiles
from towpath_destination_s3.partitions import Partition, check_partition_column, partitions
from towpath_destination_s3.receipt import read_receipts, write_receipt
from towpath_destination_s3.store import Store, Upload, UploadGone
from towpath_destination_s3.template import FilePlace, PathTemplate, write_token, writer_token

__all__ = ["S3Writer"]

_CLEANING_SECONDS = 2.0
"""Time that a cancelled write has to discard what it began, before its connections are cut."""

_PROCESS = Bound(bytes_in_all=64 << 20, least_bytes=16 << 20)
"""What may wait in memory: each writer may fill a part and a row group, however many there are."""


class S3Writer:
    """Writes some streams of one write. Opening it shuts older epochs out and discards what they left."""

    def __init__(self, config: S3Config, write: OpenWrite, context: Context) -> None:
        self._config = config
        self._write = write
        self._context = context
        self._template = PathTemplate(config.path_template)
        self._commit_seq = write.resume_after_commit_seq + 1
        self._part = 0
        self._columns: dict[int, tuple[pa.Schema, StoredColumns]] = {}
        with contextlib.ExitStack() as opening:
            self._store = opening.enter_context(Store(config))
            opening.enter_context(_hanging_up(self._store, context))
            self._fence = Fence(self._store, write.write_id, write.writer_id, write.epoch)
            self._files = {index: self._files_of(index) for index in range(len(write.streams))}
            self.discarded = self._discard_leftovers() if self._fence.raise_to_epoch() else 0
            self._share = _PROCESS.share()
            opening.callback(self._share.close)
            self._opened = opening.pop_all()

    def write(self, batch: Batch) -> None:
        """Take one batch: convert, split by partition, encode; full parts are on their way when this returns."""
        if not batch.records.num_rows:
            return
        stream = self._write.streams[batch.stream]
        columns = self._columns_of(batch.stream, batch.records.schema)
        with storing(stream.name):
            stored = columns.convert(batch.records, datetime.now(UTC), stream.generation_id, self._write.write_id)
        with self._as_owner():
            for partition, rows in partitions(stored, self._config.partition_by):
                self._files[batch.stream].write(partition, rows)
                self._relieve()

    def commit(self, commit_seq: int) -> Committed:
        """Make everything since the last commit durable. Raises Fenced when a newer epoch has taken over."""
        with self._as_owner():
            staged = {index: files.stage() for index, files in self._files.items()}
        self._fence.check()
        named = [file for of_stream in staged.values() for file in of_stream]
        receipt = write_receipt(self._write.writer_id, self._write.epoch, commit_seq, named)
        for files in self._files.values():
            files.hand_over()
        self._commit_seq = commit_seq + 1
        self._part = 0
        rows = {index: sum(file.rows for file in of_stream) for index, of_stream in staged.items() if of_stream}
        return Committed(receipt, rows)

    def close(self) -> None:
        """Discard what was not committed; what cannot be discarded now is by the next attempt, or at the end."""
        with self._opened:
            for error in [error for files in self._files.values() for error in files.discard()]:
                self._context.log("warning", "unfinished uploads stay until the job ends", reason=error.message)

    @contextlib.contextmanager
    def _as_owner(self) -> Generator[None]:
        """Say why an upload is gone: a newer epoch discards what it finds, and so does the end of the write."""
        try:
            yield
        except UploadGone as error:
            self._fence.check()
            raise Unavailable(
                "an unfinished upload is gone, though no other attempt took over; does a lifecycle rule of the bucket "
                "abort uploads too early?",
                reason="UPLOAD_GONE",
            ) from error

    def _relieve(self) -> None:
        """Let go of the largest buffers while more waits than may."""
        while sum(files.waiting for files in self._files.values()) > self._share.bytes:
            max(self._files.values(), key=lambda files: files.waiting).relieve()

    def _files_of(self, index: int) -> StreamFiles:
        stream = self._write.streams[index]
        return StreamFiles(
            store=self._store,
            stream=stream.name,
            generation=stream.generation_id,
            form=self._config.format,
            target_file_bytes=self._config.target_file_bytes,
            begin=lambda partition: self._begin(index, partition),
        )

    def _begin(self, index: int, partition: Partition) -> Upload:
        stream = self._write.streams[index]
        self._part += 1
        place = FilePlace(
            stream=stream.name,
            generation=stream.generation_id,
            write_id=self._write.write_id,
            writer_id=self._write.writer_id,
            commit=self._commit_seq,
            part=self._part,
            at=datetime.now(UTC),
            extension=extension(self._config.format),
            partition=partition,
        )
        try:
            key = self._template.key(self._config.prefix, place)
        except ValueError as error:
            raise Misconfigured(str(error), fields={"path_template": str(error)}) from error
        return self._store.begin(key, uuid.uuid4().hex)

    def _columns_of(self, index: int, schema: pa.Schema) -> StoredColumns:
        known = self._columns.get(index)
        if known is None or not known[0].equals(schema, check_metadata=True):
            stream = str(self._write.streams[index].name)
            check_partition_column(stream, schema, self._config.partition_by)
            known = schema, StoredColumns.of(stream, schema, metadata_columns=self._config.metadata_columns)
            self._columns[index] = known
        return known[1]

    def _discard_leftovers(self) -> int:
        keep = {file.upload.upload_id for file in read_receipts(self._write.receipts)}
        mine = f"{write_token(self._write.write_id)}-{writer_token(self._write.writer_id)}"
        return discard_all(self._store, [found for found in self._store.unfinished(mine) if found[1] not in keep])


@contextlib.contextmanager
def _hanging_up(store: Store, context: Context) -> Generator[None]:
    """While the block runs, see to it that a cancelled write ends, whether the store answers or not."""
    cleaned = threading.Event()

    def hang_up() -> None:
        if not cleaned.wait(_CLEANING_SECONDS):
            store.hang_up()

    def on_cancel() -> None:
        threading.Thread(target=hang_up, name="hang-up", daemon=True).start()

    with context.on_cancel(on_cancel):
        try:
            yield
        finally:
            cleaned.set()


def discard_all(store: Store, uploads: Sequence[tuple[str, str]]) -> int:
    """Abort uploads, given as key and id; return how many."""
    for key, upload_id in uploads:
        store.discard(key, upload_id)
    return len(uploads)
