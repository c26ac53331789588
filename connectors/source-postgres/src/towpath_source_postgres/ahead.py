"""Reading ahead: a thread runs a generator a bounded number of bytes ahead of whoever takes what it yields.

Without it the server waits while a batch is encoded and sent, and the connector waits while the server looks for rows.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator

import pyarrow as pa
from towpath_sdk import Record

__all__ = ["read_ahead"]

_AHEAD_BYTES = 16 << 20
_POLL_SECONDS = 0.2  # a thread that waits wakes up this often, so that it can be interrupted


def read_ahead(records: Generator[Record]) -> Generator[Record]:
    """Yield what `records` yields, which runs in a thread of its own and is closed there.

    Raises what it raises. Whoever closes this early waits until `records` is closed; a statement that blocks it has to
    be cancelled by other means.
    """
    reader = _Reader(records)
    try:
        yield from reader
    finally:
        reader.close()


class _Reader:
    def __init__(self, records: Generator[Record]) -> None:
        self._records = records
        self._waiting: deque[tuple[Record, int]] = deque()
        self._bytes = 0
        self._ended = False
        self._closed = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Record]:
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait(_POLL_SECONDS)
                if not self._waiting:
                    break
                record, size = self._waiting.popleft()
                self._bytes -= size
                self._changed.notify_all()
            yield record
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Let the thread end, and wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)

    def _run(self) -> None:
        try:
            for record in self._records:
                if not self._put(record):
                    break
            self._records.close()
        except BaseException as error:  # noqa: BLE001 whatever it is, the taker raises it
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, record: Record) -> bool:
        size = record.get_total_buffer_size() if isinstance(record, pa.RecordBatch) else 0
        with self._changed:
            while self._bytes > 0 and self._bytes + size > _AHEAD_BYTES and not self._closed:
                self._changed.wait(_POLL_SECONDS)
            self._waiting.append((record, size))
            self._bytes += size
            self._changed.notify_all()
            return not self._closed
