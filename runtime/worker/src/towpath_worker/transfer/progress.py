"""Counters of one stream, for reports: what was read, what is committed, and how fast."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from towpath.control.v1 import jobs_pb2
from towpath.runtime.v1 import worker_pb2

__all__ = ["StreamProgress"]

_WINDOW = 5.0


class StreamProgress:
    """What one stream has moved in its job, earlier attempts included. `clock` is monotonic, in seconds."""

    def __init__(self, work: worker_pb2.StreamWork, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int, int]] = deque()
        self.changed = True
        self.restart(work)

    def restart(self, work: worker_pb2.StreamWork) -> None:
        """Begin from what the server has stored."""
        self.index = work.stream_index
        self.rows_read = self.rows_committed = work.rows_committed
        self.bytes_read = self.bytes_committed = work.bytes_committed
        self.commits = work.commit_seq
        self.rows_rejected = 0
        self._samples.clear()
        self.changed = True

    @property
    def moving(self) -> bool:
        """Whether the rates are still above zero, so that one more report has to bring them down."""
        return len(self._samples) > 1 and self._samples[0][1] != self.rows_read

    def read(self, rows: int, size: int) -> None:
        """Count a batch."""
        self.rows_read += rows
        self.bytes_read += size
        self.changed = True

    def committed(self, rows: int, size: int) -> None:
        """Count a commit that is stored."""
        self.rows_committed += rows
        self.bytes_committed += size
        self.commits += 1
        self.changed = True

    def rejected(self, rows: int) -> None:
        """Count rows that the destination refused."""
        self.rows_rejected += rows
        self.changed = True

    def counters(self) -> worker_pb2.StreamCounters:
        """Return the counters, with rates over the last five seconds."""
        now = self._clock()
        self._samples.append((now, self.rows_read, self.bytes_read))
        while len(self._samples) > 1 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        then, rows, size = self._samples[0]
        elapsed = now - then
        return worker_pb2.StreamCounters(
            stream_index=self.index,
            progress=jobs_pb2.Progress(
                rows_read=self.rows_read,
                bytes_read=self.bytes_read,
                rows_committed=self.rows_committed,
                bytes_committed=self.bytes_committed,
                commits=self.commits,
                rows_rejected=self.rows_rejected,
                rows_per_second=(self.rows_read - rows) / elapsed if elapsed > 0 else 0.0,
                bytes_per_second=(self.bytes_read - size) / elapsed if elapsed > 0 else 0.0,
            ),
        )
