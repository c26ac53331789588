"""Compression of whole text files."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from towpath_sdk.files.formats import TextCompression

__all__ = ["compressed"]


class _StaysOpen:
    """Passes writes on; closing it leaves the file open, whose end is the encoder's caller's to decide."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self.closed = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._sink.write(data)

    def flush(self) -> None:
        return

    def close(self) -> None:
        self.closed = True


def compressed(sink: Any, compression: TextCompression) -> Any:
    """Return a stream that compresses into `sink`; closing it ends the compression and leaves `sink` open."""
    file: Any = _StaysOpen(sink)
    through = pa.PythonFile(file, "w")
    if compression is TextCompression.NONE:
        return through
    return pa.CompressedOutputStream(through, compression.value)
