"""Files in the making: written to a folder where nobody looks for them, and durable when they have ended."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from towpath_sdk import StreamName
from towpath_sdk.files import Encoder, Format, encoder_for, storing

from towpath_destination_local.disk import translated

__all__ = ["EndedFile", "FileInTheMaking", "RollingFiles"]


@dataclass(frozen=True)
class EndedFile:
    """A file whose content is durable; its name is, once its folder is synchronised. Rows, and encoded bytes."""

    name: str
    rows: int
    bytes: int


class FileInTheMaking:
    """One file of one schema."""

    def __init__(self, path: Path, stream: StreamName, form: Format, schema: pa.Schema) -> None:
        self.schema = schema
        self._path = path
        self._stream = stream
        self._rows = 0
        self._sink = _Sink(path)
        self._encoder: Encoder = encoder_for(form, schema, self._sink)

    @property
    def buffered(self) -> int:
        """Bytes of Arrow data that wait in memory."""
        return self._encoder.buffered

    @property
    def size(self) -> int:
        """Encoded bytes so far."""
        return self._sink.size

    def write(self, records: pa.RecordBatch) -> None:
        """Append rows. Raises BadRecord for a value that cannot be stored."""
        with storing(self._stream):
            self._encoder.write(records)
        self._rows += records.num_rows

    def flush(self) -> None:
        """Encode what waits."""
        with storing(self._stream):
            self._encoder.flush()

    def end(self) -> EndedFile:
        """Encode the rest, and make the content durable."""
        with storing(self._stream):
            self._encoder.close()
        self._sink.seal()
        return EndedFile(self._path.name, self._rows, self._sink.size)

    def discard(self) -> None:
        """Throw it away."""
        self._sink.discard()


@dataclass
class RollingFiles:
    """Files of one stream and generation, one open at a time: a new one when one is full, or the schema changes.

    `next_name` names the next one.
    """

    folder: Path
    stream: StreamName
    form: Format
    target_file_bytes: int
    next_name: Callable[[], str]
    _open: FileInTheMaking | None = None
    _ended: list[EndedFile] = field(default_factory=list[EndedFile])

    @property
    def buffered(self) -> int:
        """Bytes of Arrow data that wait in memory."""
        return self._open.buffered if self._open is not None else 0

    def write(self, records: pa.RecordBatch) -> None:
        """Append rows. Raises BadRecord for a value that cannot be stored."""
        if self._open is not None and not self._open.schema.equals(records.schema):
            self.end()
        if self._open is None:
            self._open = FileInTheMaking(self.folder / self.next_name(), self.stream, self.form, records.schema)
        self._open.write(records)
        if self._open.size >= self.target_file_bytes:
            self.end()

    def flush(self) -> None:
        """Encode what waits."""
        if self._open is not None:
            self._open.flush()

    def end(self) -> None:
        """End the open file, if there is one."""
        if self._open is not None:
            self._ended.append(self._open.end())
            self._open = None

    def take(self) -> list[EndedFile]:
        """Return what has ended, and forget it: it is the caller's now."""
        ended, self._ended = self._ended, []
        return ended

    def discard(self) -> None:
        """Throw away what was not taken."""
        if self._open is not None:
            self._open.discard()
            self._open = None
        for file in self.take():
            (self.folder / file.name).unlink(missing_ok=True)


class _Sink:
    """A file that pyarrow writes to; failures of the disk are Towpath's errors, and no faults of the rows."""

    closed = False

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._path = path
        with translated(f"writing {path}"):
            self._file: Any = path.open("wb", buffering=0)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        left = memoryview(data)
        self.size += left.nbytes
        with translated(f"writing {self._path}"):
            while left.nbytes:
                left = left[self._file.write(left) :]
        return memoryview(data).nbytes

    def flush(self) -> None:
        return

    def close(self) -> None:
        """Leave the end of the file to `seal`."""

    def seal(self) -> None:
        with translated(f"writing {self._path}"):
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
            self._path.unlink(missing_ok=True)
