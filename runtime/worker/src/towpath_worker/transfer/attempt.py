"""One attempt at a job: its streams several at a time, the lease, and what becomes of failures.

A stream that fails does not stop the others. The attempt as a whole stops when it was fenced, when the server or a
connector is lost, when row counts differ, or when a cancel was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from towpath.connector.v1 import types_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk import traces
from towpath_sdk.errors import Cancelled, Kind, PositionLost

from towpath_worker.failures import Located, locate
from towpath_worker.transfer.job import Job
from towpath_worker.transfer.ledger import MISMATCH
from towpath_worker.transfer.progress import StreamProgress
from towpath_worker.transfer.schema import display
from towpath_worker.transfer.stream import StreamTransfer

__all__ = ["run_attempt"]

_RESTARTS = 2
"""How often a stream starts over within one attempt after its position was lost."""
_REPORT_INTERVAL = 1.0


async def run_attempt(job: Job, streams: Sequence[worker_pb2.StreamWork]) -> None:
    """Transfer every stream that is left.

    Returns when each was transferred, or failed in a way that no retry can help; the platform knows which. Raises
    Located when the attempt has to be repeated, or cannot go on at all; `Cancelled` when the server asked for a
    cancel.
    """
    await _Attempt(job).run([work for work in streams if not work.transferred])


class _Attempt:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._slots = asyncio.Semaphore(job.max_parallel_streams)
        self._progress: list[StreamProgress] = []
        self._retryable: list[Located] = []

    async def run(self, streams: Sequence[worker_pb2.StreamWork]) -> None:
        reporter = asyncio.create_task(self._report_until_cancelled())
        transfers = [asyncio.create_task(self._stream(work)) for work in streams]
        try:
            await _first_failure({reporter, *transfers}, until=transfers)
        finally:
            await _cancel([reporter, *transfers])
        await self._job.platform.report(self._changed())
        if self._retryable:
            raise max(self._retryable, key=_delay)

    async def _stream(self, work: worker_pb2.StreamWork) -> None:
        """Transfer one stream; returns also when it failed by itself, raises when the whole attempt must end."""
        async with self._slots:
            progress = StreamProgress(work, self._job.clock)
            self._progress.append(progress)
            try:
                with traces.span("stream", stream=display(work.stream.name)):
                    await self._with_restarts(work, progress)
            except Located as failure:
                await self._failed(work, await self._cause(failure))

    async def _with_restarts(self, work: worker_pb2.StreamWork, progress: StreamProgress) -> None:
        if work.commit_seq and not work.state:
            # What is committed ends at a point that the source cannot continue from: both sides have to start over.
            reason = Located(PositionLost("the source cannot continue after the last commit"), "source")
            work = await self._restart(work, progress, reason)
        for _ in range(_RESTARTS):
            try:
                return await StreamTransfer(self._job, work, progress).run()
            except Located as failure:
                if not _starting_over_helps(work, failure):
                    raise
                work = await self._restart(work, progress, failure)
        return await StreamTransfer(self._job, work, progress).run()

    async def _restart(
        self, work: worker_pb2.StreamWork, progress: StreamProgress, reason: Located
    ) -> worker_pb2.StreamWork:
        name = work.stream.name
        message = f"{display(name)} starts over: {reason.error}"
        self._job.journal.note(reason.origin, types_pb2.LogEntry.LEVEL_WARN, message, stream=name)
        work = await self._job.platform.reset(work.stream_index, reason)
        progress.restart(work)
        return work

    async def _cause(self, failure: Located) -> Located:
        """Return what was behind a failed call, if its connector as a whole is gone; raise what ends the attempt."""
        if failure.origin == "server" or failure.error.kind in {Kind.FENCED, Kind.CANCELLED}:
            raise failure
        if failure.error.reason == MISMATCH:
            raise failure
        link = {"source": self._job.source, "destination": self._job.destination}.get(failure.origin)
        if link is not None and failure.error.kind is Kind.UNAVAILABLE and (lost := await link.lost()):
            raise lost from failure
        return failure

    async def _failed(self, work: worker_pb2.StreamWork, failure: Located) -> None:
        name = work.stream.name
        failure = _with_next_step(work, failure)
        self._job.journal.note(
            failure.origin,
            types_pb2.LogEntry.LEVEL_ERROR,
            f"{display(name)} failed: {failure.error}",
            stream=name,
            kind=failure.error.kind.value,
            reason=failure.error.reason,
        )
        await self._job.platform.finish(work.stream_index, failure, b"")
        if failure.error.rule.retry:
            self._retryable.append(failure)

    async def _report_until_cancelled(self) -> None:
        """Report once a second; raises Cancelled when the server asks for it, and what the platform raises."""
        while True:
            started = self._job.clock()
            if await self._job.platform.report(self._changed()):
                raise Located(Cancelled("cancelled on request"), "server")
            await asyncio.sleep(max(0.0, _REPORT_INTERVAL - (self._job.clock() - started)))

    def _changed(self) -> list[worker_pb2.StreamCounters]:
        changed = [progress for progress in self._progress if progress.changed or progress.moving]
        counters = [progress.counters() for progress in changed]
        for progress in changed:
            progress.changed = False
        return counters


def _starting_over_helps(work: worker_pb2.StreamWork, failure: Located) -> bool:
    """Whether to discard what this job did for the stream and begin again, as when the position of a snapshot was lost.

    What the destination lost was never published, so there starting over helps in every mode. The position of an
    incremental read belongs to the connection: it needs the user's refresh.
    """
    if failure.error.kind is not Kind.POSITION_LOST:
        return False
    return work.stream.read_mode == types_pb2.READ_MODE_SNAPSHOT or failure.origin == "destination"


def _delay(failure: Located) -> timedelta:
    """Return how long the failure asks to wait: the next attempt must not come too early for any stream."""
    return failure.error.retry_after or timedelta(0)


def _with_next_step(work: worker_pb2.StreamWork, failure: Located) -> Located:
    error = failure.error
    if error.kind is not Kind.POSITION_LOST or "refresh" in error.message.lower():
        return failure
    message = f"{error.message}. Refresh {display(work.stream.name)} to read it from the start"
    return Located(PositionLost(message, reason=error.reason), failure.origin)


async def _first_failure(tasks: set[asyncio.Task[None]], until: Sequence[asyncio.Task[None]]) -> None:
    """Wait until all of `until` are done, or one of `tasks` fails; raise that failure."""
    waiting = set(tasks)
    while not all(task.done() for task in until):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        _raise_failure(done)
    _raise_failure({task for task in tasks if task.done()})


def _raise_failure(done: set[asyncio.Task[None]]) -> None:
    failures = [error for task in done if (error := task.exception()) is not None]
    for failure in failures:
        if isinstance(failure, Located) and failure.error.kind is Kind.FENCED:
            raise failure
    if failures:
        raise locate(failures[0])


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
