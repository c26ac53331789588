"""The open files of one stream within one commit: one for each partition, a new one when a file is full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
from towpath_sdk import StreamName, TowpathError
from towpath_sdk.files import Encoder, Format, encoder_for, storing

from towpath_destination_s3.multipart import MultipartFile
from towpath_destination_s3.partitions import Partition
from towpath_destination_s3.receipt import StagedFile
from towpath_destination_s3.store import Store, Upload

__all__ = ["StreamFiles"]

_OPEN_FILES = 64


@dataclass
class _OpenFile:
    encoder: Encoder
    sink: MultipartFile
    rows: int = 0

    @property
    def waiting(self) -> int:
        return self.encoder.buffered + self.sink.pending


@dataclass
class StreamFiles:
    """Files of one stream and generation. `begin` starts the upload of the next file of a partition."""

    store: Store
    stream: StreamName
    generation: int
    form: Format
    target_file_bytes: int
    begin: Callable[[Partition], Upload]
    schema: pa.Schema | None = None
    _open: dict[Partition, _OpenFile] = field(default_factory=dict[Partition, _OpenFile])
    _full: list[_OpenFile] = field(default_factory=list[_OpenFile])

    @property
    def waiting(self) -> int:
        """Bytes that wait in memory: Arrow data to be encoded, and encoded data whose part is not full."""
        return sum(file.waiting for file in self._open.values())

    def write(self, partition: Partition, records: pa.RecordBatch) -> None:
        """Append rows to the partition's file; a file has one schema, so a new schema begins new files."""
        if self.schema is None or not self.schema.equals(records.schema):
            self._end_all()
            self.schema = records.schema
        file = self._open.pop(partition, None) or self._begin(partition)
        self._open[partition] = file  # the last one of the dictionary is the one used last
        with storing(self.stream):
            file.encoder.write(records)
        file.rows += records.num_rows
        if file.sink.tell() >= self.target_file_bytes:
            self._end(partition)

    def relieve(self) -> None:
        """Let go of what waits in the file where most does; does nothing when nothing waits."""
        if not self._open:
            return
        partition, file = max(self._open.items(), key=lambda item: item[1].waiting)
        if file.encoder.buffered:
            with storing(self.stream):
                file.encoder.flush()
        elif not file.sink.send_early():
            self._end(partition)

    def stage(self) -> list[StagedFile]:
        """End every file and wait until all their parts are durable. Raises what an upload raised.

        They are still this object's to discard, until `hand_over`.
        """
        self._end_all()
        return [self._staged(file) for file in self._full]

    def hand_over(self) -> None:
        """Forget what was staged: a receipt names it now."""
        self._full = []

    def discard(self) -> list[TowpathError]:
        """Throw away what was not handed over; return what went wrong."""
        files = [*self._open.values(), *self._full]
        self._open, self._full = {}, []
        failures: list[TowpathError] = []
        for file in files:
            try:
                file.sink.discard()
            except TowpathError as error:
                failures.append(error)
        return failures

    def _begin(self, partition: Partition) -> _OpenFile:
        if len(self._open) >= _OPEN_FILES:
            self._end(next(iter(self._open)))
        assert self.schema is not None
        sink = MultipartFile(self.store, lambda: self.begin(partition))
        return _OpenFile(encoder_for(self.form, self.schema, sink), sink)

    def _end(self, partition: Partition) -> None:
        file = self._open[partition]
        with storing(self.stream):
            file.encoder.close()
        file.sink.seal()
        self._full.append(self._open.pop(partition))

    def _end_all(self) -> None:
        for partition in list(self._open):
            self._end(partition)

    def _staged(self, file: _OpenFile) -> StagedFile:
        uploaded = file.sink.uploaded()
        return StagedFile(uploaded.upload, uploaded.parts, self.stream, self.generation, file.rows, uploaded.bytes)
