"""One attempt's session with the server: its epoch, its lease, its commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from towpath.control.v1 import connections_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.errors import Unavailable

from towpath_worker.failures import Located, failure_message
from towpath_worker.server.channel import NOT_HELD, SERVER_UNAVAILABLE, ServerChannel, for_seconds

__all__ = ["JobSession", "Lease"]

AnswerT = TypeVar("AnswerT")

_FAREWELL = 2.0
"""Seconds that the end of an attempt may wait for the server: the next attempt fences this one anyway."""


class Lease:
    """For how long an attempt may go on without hearing from the server. Seconds, on a clock that never goes back.

    Renewed as of the moment at which the renewal was *sent*: the server counts from no earlier than that.
    """

    def __init__(self, duration: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.duration = duration
        self._clock = clock
        self._renewed = clock()

    def renew(self, sent_at: float) -> None:
        """Count from `sent_at`."""
        self._renewed = max(self._renewed, sent_at)

    def left(self) -> float:
        """Return the seconds that are left; at most zero when the attempt must stop."""
        return self._renewed + self.duration - self._clock()

    def now(self) -> float:
        """Return the clock's time."""
        return self._clock()


class JobSession:
    """The server for one attempt; implements the broker's `Platform`."""

    def __init__(self, server: ServerChannel, job: str, epoch: int, lease: Lease) -> None:
        self._server = server
        self._job = job
        self._epoch = epoch
        self._lease = lease

    async def commit(self, request: worker_pb2.CommitStreamRequest) -> None:
        """Store state and receipt of one commit."""
        request.job = self._job
        request.epoch = self._epoch
        await self._call(self._server.runs.CommitStream, request)

    async def reset(self, stream_index: int, reason: Located) -> worker_pb2.StreamWork:
        """Forget what the job committed for a stream; return its work anew."""
        request = worker_pb2.ResetStreamRequest(
            job=self._job, epoch=self._epoch, stream_index=stream_index, reason=failure_message(reason)
        )
        answer = await self._call(self._server.runs.ResetStream, request)
        return answer.stream

    async def schema_changed(self, stream_index: int, columns: Sequence[connections_pb2.ColumnChange]) -> None:
        """Store what changed in the schema of a stream."""
        request = worker_pb2.ReportSchemaChangeRequest(
            job=self._job, epoch=self._epoch, stream_index=stream_index, columns=columns
        )
        await self._call(self._server.runs.ReportSchemaChange, request)

    async def finish(self, stream_index: int, failure: Located | None, ipc_schema: bytes) -> None:
        """Say that a stream was transferred, or why not."""
        request = worker_pb2.FinishStreamRequest(
            job=self._job, epoch=self._epoch, stream_index=stream_index, ipc_schema=ipc_schema
        )
        if failure is not None:
            request.failure.CopyFrom(failure_message(failure))
        await self._call(self._server.runs.FinishStream, request)

    async def report(self, streams: Sequence[worker_pb2.StreamCounters]) -> bool:
        """Store counters and renew the lease; true when a cancel was asked for."""
        request = worker_pb2.ReportProgressRequest(job=self._job, epoch=self._epoch, streams=streams)
        while True:
            sent_at = self._lease.now()
            try:
                answer = await self._server.call(
                    self._server.runs.ReportProgress, request, patience=self._lease.left, again=False
                )
            except Located as failure:
                if not failure.error.rule.retry or failure.error.reason == NOT_HELD:
                    raise
                if self._lease.left() <= 0:
                    raise self._lost(failure) from failure
                await asyncio.sleep(min(0.2, max(0.0, self._lease.left())))
                continue
            self._lease.renew(sent_at)
            return answer.cancel_requested

    async def end(self, failure: Located | None) -> None:
        """Close the attempt; says nothing when the server is away or a newer attempt took over."""
        request = worker_pb2.EndAttemptRequest(job=self._job, epoch=self._epoch)
        if failure is not None:
            request.failure.CopyFrom(failure_message(failure))
        await self._server.call(self._server.runs.EndAttempt, request, patience=for_seconds(_FAREWELL))

    async def _call(self, method: Callable[..., Awaitable[AnswerT]], request: object) -> AnswerT:
        """Call the server, for as long as the lease lasts."""
        try:
            return await self._server.call(method, request, patience=self._lease.left)
        except Located as failure:
            if failure.error.reason == SERVER_UNAVAILABLE:
                raise self._lost(failure) from failure
            raise

    def _lost(self, failure: Located) -> Located:
        message = (
            f"the lease of {self._lease.duration:g} s ran out, because the server could not be reached; the connectors"
            f" were stopped. {failure.error.message}"
        )
        return Located(Unavailable(message, reason="LEASE_LOST"), "worker")
