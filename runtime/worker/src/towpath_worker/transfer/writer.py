"""The destination's half of a stream: sends what the reader hands over, and settles commits with the platform.

One task sends, one receives. Data keep flowing while up to two commits are open; an acknowledgement goes back to the
source only once the platform has stored state and receipt.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from towpath.connector.v1 import destination_pb2, types_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk import traces
from towpath_sdk.errors import TowpathError
from towpath_sdk.status import from_status
from towpath_sdk.traces import Span

from towpath_worker.failures import Located, locate
from towpath_worker.transfer.budget import Grant
from towpath_worker.transfer.job import Job
from towpath_worker.transfer.ledger import Checkpoint, Commit, Ledger, violation
from towpath_worker.transfer.ports import WriteCall
from towpath_worker.transfer.progress import StreamProgress
from towpath_worker.transfer.schema import display

__all__ = ["LEAVE_TIMEOUT", "StreamWriter"]

_OPEN_COMMITS = 2
_QUEUED_MESSAGES = 2
LEAVE_TIMEOUT = 10.0
"""Seconds that a connector has to end a call after everything was said and stored."""


class StreamWriter:
    """One Write call and the stream's ledger. `on_stored` is called with each checkpoint whose commit is stored."""

    def __init__(
        self,
        job: Job,
        target: destination_pb2.WriteStream,
        ledger: Ledger,
        progress: StreamProgress,
        *,
        stream_index: int,
        on_stored: Callable[[Checkpoint], Awaitable[None]],
    ) -> None:
        self.ledger = ledger
        self._job = job
        self.target = target
        self._progress = progress
        self._stream_index = stream_index
        self._on_stored = on_stored
        self._queue: asyncio.Queue[tuple[bytes, Grant | None] | None] = asyncio.Queue(_QUEUED_MESSAGES)
        self._call: WriteCall | None = None
        self._opened = asyncio.Event()
        self._all_stored = asyncio.Event()
        self._all_stored.set()
        self._unstored = 0
        self._spans: deque[Span] = deque()
        self._ended = asyncio.Event()
        self._closing = False
        self._committed_at = job.clock()

    @property
    def opened(self) -> bool:
        """Whether the call was opened: a stream without data needs none."""
        return self._call is not None

    async def open(self, group: asyncio.TaskGroup, receipts: list[bytes]) -> None:
        """Open the call and wait until leftovers of earlier attempts are gone."""
        request = destination_pb2.WriteOpen(
            write_id=self._job.write_id,
            writer_id=f"s{self._stream_index}",
            epoch=self._job.epoch,
            streams=[self.target],
            resume_after_commit_seq=self.ledger.commit_seq,
            receipts=receipts,
        )
        self._call = call = self._job.destination.write(request)
        group.create_task(self._settle(call))
        await self._opened.wait()
        group.create_task(self._deliver(call))

    async def put(self, message: bytes, grant: Grant | None = None) -> None:
        """Queue a message; `grant` is released once it is sent."""
        await self._queue.put((message, grant))

    async def commit(self) -> None:
        """Ask the destination to make everything durable that was put so far."""
        self.ledger, commit = self.ledger.committing()
        self._unstored += 1
        self._spans.append(traces.begin("commit", stream=display(self.target.name), commit=commit.seq))
        self._all_stored.clear()
        self._committed_at = self._job.clock()
        request = destination_pb2.WriteRequest(
            commit=destination_pb2.WriteCommit(commit_seq=commit.seq, up_to_batch_seq=commit.up_to_batch_seq)
        )
        await self.put(request.SerializeToString())

    @property
    def commit_is_due(self) -> bool:
        """Whether bytes or time ask for a commit, and the last checkpoint allows one."""
        if self._unstored >= _OPEN_COMMITS or not self.ledger.worth_a_commit:
            return False
        waited = self._job.clock() - self._committed_at
        return self.ledger.bytes >= self._job.commit_bytes or waited >= self._job.commit_interval

    async def all_stored(self) -> None:
        """Wait until the platform has stored every commit that was asked for."""
        await self._all_stored.wait()

    async def close(self) -> None:
        """Half-close after everything that was put, and wait for the end of the call; a failure is but a remark now."""
        self._closing = True
        if self._call is None:
            return
        await self._queue.put(None)
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await self._ended.wait()
        except TimeoutError:
            self._call.cancel()

    def cancel(self) -> None:
        """End the call now."""
        if self._call is not None:
            self._call.cancel()
        while self._spans:
            span = self._spans.popleft()
            span.fail("CANCELLED")
            span.end()

    async def _deliver(self, call: WriteCall) -> None:
        while (item := await self._queue.get()) is not None:
            message, grant = item
            await call.send(message)
            if grant is not None:
                grant.release()
        await call.half_close()

    async def _settle(self, call: WriteCall) -> None:
        try:
            while (answer := await call.receive()) is not None:
                await self._answered(answer)
        except TowpathError as error:
            raise locate(error, "destination") from error
        except Located as failure:
            if not self._closing:
                raise
            self._late(failure)
            return
        finally:
            self._ended.set()
        if not self._closing:
            raise Located(violation("the destination ended the write before the broker did"), "destination")

    async def _answered(self, answer: destination_pb2.WriteResponse) -> None:
        kind = answer.WhichOneof("message")
        if kind == "opened":
            self._opened.set()
            if answer.opened.discarded:
                message = f"the destination discarded {answer.opened.discarded} leftovers of an earlier attempt"
                self._note(types_pb2.LogEntry.LEVEL_INFO, message)
        elif not self._opened.is_set() and kind != "log":
            raise violation(f"the destination sent {kind} before it opened the write")
        elif kind == "committed":
            await self._store(answer.committed)
        elif kind == "rejected":
            self._rejected(answer.rejected)
        elif kind == "status":
            self._status(answer.status)
        elif kind == "log":
            self._job.journal.entry("destination", answer.log, self.target.name)

    async def _store(self, committed: destination_pb2.WriteCommitted) -> None:
        try:
            self.ledger, commit, durable = self.ledger.committed(committed.commit_seq, committed.rows)
        except TowpathError as error:
            raise locate(error, "worker") from error
        with traces.through(self._spans.popleft()) as span:
            span.mark(rows=durable, bytes=commit.bytes)
            await self._job.platform.commit(self._request(commit, committed.receipt, durable))
        self._progress.committed(durable, commit.bytes)
        self._note(types_pb2.LogEntry.LEVEL_DEBUG, "committed", commit=commit.seq, rows=durable, bytes=commit.bytes)
        await self._on_stored(commit.checkpoint)
        self._unstored -= 1
        if self._unstored == 0:
            self._all_stored.set()

    def _request(self, commit: Commit, receipt: bytes, rows: int) -> worker_pb2.CommitStreamRequest:
        return worker_pb2.CommitStreamRequest(
            stream_index=self._stream_index,
            commit_seq=commit.seq,
            state=commit.checkpoint.state,
            state_version=commit.checkpoint.state_version,
            receipt=receipt,
            rows=rows,
            bytes=commit.bytes,
            ipc_schema=commit.ipc_schema,
        )

    def _rejected(self, rejected: destination_pb2.RejectedRows) -> None:
        count = len(rejected.row_indexes)
        self.ledger = self.ledger.refused(count)
        self._progress.rejected(count)
        reason = from_status(rejected.reason)
        self._note(
            types_pb2.LogEntry.LEVEL_WARN,
            f"the destination refused {count} rows: {reason.message}",
            batch=rejected.batch_seq,
            first_row=rejected.row_indexes[0] if count else 0,
        )

    def _status(self, status: types_pb2.StreamStatus) -> None:
        if status.state != types_pb2.StreamStatus.STATE_FAILED:
            return
        failure = Located(from_status(status.failure), "destination")
        if not self._closing:
            raise failure
        self._late(failure)

    def _late(self, failure: Located) -> None:
        """A failure after the last commit is stored changes nothing: what was committed is the destination's."""
        self._note(types_pb2.LogEntry.LEVEL_WARN, f"the destination ended the write with a failure: {failure.error}")

    def _note(self, level: types_pb2.LogEntry.Level, message: str, **attributes: object) -> None:
        self._job.journal.note("destination", level, message, stream=self.target.name, **attributes)
