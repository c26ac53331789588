"""A file that becomes a multipart upload as it is written; a bounded number of parts waits in memory.

Concurrency: one thread writes a file; a pool of threads, shared by all files of the process, uploads parts. Who writes
faster than the store takes waits for a place.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from towpath_sdk.errors import Bug

from towpath_destination_s3.store import Part, Store, Upload

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["PART_BYTES", "MultipartFile", "Uploaded"]

PART_BYTES = 8 << 20
"""Bytes of a part; with the 10,000 parts that S3 allows, a file may have 78 GiB."""

LEAST_PART_BYTES = 5 << 20
"""Bytes that S3 demands of every part but the last."""

_PARTS_IN_FLIGHT = 6
_POLL_SECONDS = 0.2  # a thread that waits wakes up this often, so that it can be interrupted

_places = threading.BoundedSemaphore(_PARTS_IN_FLIGHT)
_pool = ThreadPoolExecutor(_PARTS_IN_FLIGHT, thread_name_prefix="upload")


@dataclass(frozen=True)
class Uploaded:
    """A file of which every part is durable, and that nobody can see before its upload is completed."""

    upload: Upload
    parts: tuple[Part, ...]
    bytes: int


class MultipartFile(io.RawIOBase):
    """Write-only file. `begin` is called once, when the first part is full or the file is sealed."""

    def __init__(self, store: Store, begin: Callable[[], Upload]) -> None:
        super().__init__()
        self._store = store
        self._begin = begin
        self._upload: Upload | None = None
        self._pending = bytearray()
        self._parts: list[Future[Part]] = []
        self._written = 0

    @property
    def pending(self) -> int:
        """Bytes that wait in memory for their part to be full."""
        return len(self._pending)

    def writable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._written

    def write(self, data: ReadableBuffer, /) -> int:
        """Take bytes; waits while too many parts are on their way. Raises what an earlier part's upload raised."""
        view = memoryview(data).cast("B")
        self._written += len(view)
        self._pending += view
        while len(self._pending) >= PART_BYTES:
            part = bytes(memoryview(self._pending)[:PART_BYTES])
            del self._pending[:PART_BYTES]
            self._send(part)
        return len(view)

    def send_early(self) -> bool:
        """Send what waits as a part of its own, if it is large enough for one that is not the last."""
        if len(self._pending) < LEAST_PART_BYTES:
            return False
        part, self._pending = bytes(self._pending), bytearray()
        self._send(part)
        return True

    def seal(self) -> None:
        """Send what is left, without waiting for it."""
        if self._pending or not self._parts:
            rest, self._pending = bytes(self._pending), bytearray()
            self._send(rest)

    def uploaded(self) -> Uploaded:
        """Wait until every part of a sealed file is durable. Raises what an upload raised."""
        self._settle()
        if self._upload is None or self._pending:
            raise Bug("a file is asked for before it was sealed")
        return Uploaded(self._upload, tuple(part.result() for part in self._parts), self._written)

    def discard(self) -> None:
        """Forget the file: cancel what waits, wait for what is on its way, abort the upload."""
        self._pending.clear()
        for part in self._parts:
            if part.cancel():
                _places.release()
        self._settle()
        if self._upload is not None:
            self._store.discard(self._upload.key, self._upload.upload_id)

    def _send(self, body: bytes) -> None:
        for part in self._parts:
            if part.done():
                part.result()
        if self._upload is None:
            self._upload = self._begin()
        while not _places.acquire(timeout=_POLL_SECONDS):
            pass
        try:
            self._parts.append(_pool.submit(self._upload_part, self._upload, len(self._parts) + 1, body))
        except BaseException:
            _places.release()
            raise

    def _upload_part(self, upload: Upload, number: int, body: bytes) -> Part:
        try:
            return self._store.upload_part(upload, number, body)
        finally:
            _places.release()

    def _settle(self) -> None:
        waiting = {part for part in self._parts if not part.done()}
        while waiting:
            waiting = wait(waiting, _POLL_SECONDS, FIRST_COMPLETED).not_done
