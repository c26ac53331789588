"""Files in the making, in the write's folder: a new one when one is full or the schema changes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from towpath_sdk import BadRecord, StreamName

from towpath_destination_local.config import ParquetFormat
from towpath_destination_local.disk import translated
from towpath_destination_local.parquet import ParquetEncoder

__all__ = ["EndedFile", "RollingFiles"]


class _Sink:
    """A file that pyarrow writes to; failures of the disk are Towpath's errors, and no faults of the rows."""

    closed = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        with translated(f"writing {path}"):
            self._file: Any = path.open("wb", buffering=1 << 20)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        with translated(f"writing {self.path}"):
            self.size += len(data)
            return self._file.write(data)

    def flush(self) -> None:
        return

    def close(self) -> None:
        """Leave the end of the file to `seal`."""

    def seal(self) -> None:
        with translated(f"writing {self.path}"):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class EndedFile:
    """A file whose content is durable; its name is, once its folder is synchronised."""

    name: str
    rows: int
    bytes: int


@dataclass
class RollingFiles:
    """Files of one stream and generation, one open at a time. `next_name` names the next one."""

    folder: Path
    stream: StreamName
    form: ParquetFormat
    target_file_bytes: int
    next_name: Callable[[], str]
    _schema: pa.Schema | None = None
    _sink: _Sink | None = None
    _encoder: ParquetEncoder | None = None
    _rows: int = 0
    _ended: list[EndedFile] = field(default_factory=list[EndedFile])

    @property
    def waiting(self) -> int:
        """Bytes of Arrow data that wait in memory."""
        return self._encoder.buffered if self._encoder is not None else 0

    def write(self, records: pa.RecordBatch) -> None:
        """Append rows; raises BadRecord for a value that cannot be stored."""
        if self._schema is None or not self._schema.equals(records.schema):
            self.end()
            self._schema = records.schema
        with self._storing():
            self._open().write(records)
        self._rows += records.num_rows
        assert self._sink is not None
        if self._sink.size >= self.target_file_bytes:
            self.end()

    def flush(self) -> None:
        """Encode what waits."""
        if self._encoder is not None:
            with self._storing():
                self._encoder.flush()

    def end(self) -> None:
        """End the open file, if there is one, and make its content durable."""
        if self._encoder is None or self._sink is None:
            return
        with self._storing():
            self._encoder.close()
        self._sink.seal()
        self._ended.append(EndedFile(self._sink.path.name, self._rows, self._sink.size))
        self._encoder, self._sink, self._rows = None, None, 0

    def take(self) -> list[EndedFile]:
        """Return what has ended, and forget it."""
        ended, self._ended = self._ended, []
        return ended

    def discard(self) -> None:
        """Throw away what was not taken."""
        if self._sink is not None:
            self._sink.discard()
        for file in self.take():
            (self.folder / file.name).unlink(missing_ok=True)
        self._encoder, self._sink, self._rows = None, None, 0

    def _open(self) -> ParquetEncoder:
        if self._encoder is None:
            assert self._schema is not None
            self._sink = _Sink(self.folder / self.next_name())
            self._encoder = ParquetEncoder(self._sink, self._schema, self.form.compression.value)
        return self._encoder

    @contextlib.contextmanager
    def _storing(self) -> Any:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise BadRecord(f"rows of {self.stream} cannot be stored: {error}", reason="UNSTORABLE_VALUE") from error
