"""End a job: let the server decide what is published, let the destination publish it, let the server store the outcome.

Every step may be repeated, so a worker that is killed anywhere in between leaves nothing but a repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from temporalio import activity
from towpath.connector.v1 import types_pb2
from towpath.control.v1 import jobs_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_contracts import PUBLISH, PublishInput, PublishOutcome
from towpath_sdk import traces

from towpath_worker.activities.outcome import application_error, beating
from towpath_worker.activities.parts import Parts
from towpath_worker.activities.transfer import write_id
from towpath_worker.connectors import Connector, connected
from towpath_worker.failures import Located, failure_message, locate, note_message
from towpath_worker.server import JobLog
from towpath_worker.server.channel import for_seconds

__all__ = ["PublishActivity"]

_PATIENCE = 30.0
_ABORT_ATTEMPTS = 5
"""Attempts to discard what was staged, before the job ends without: nothing of it is visible, or ever will be."""

_log = structlog.get_logger(__name__)


class PublishActivity:
    """Holds what the activity needs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @activity.defn(name=PUBLISH)
    async def publish(self, publish: PublishInput) -> PublishOutcome:
        """Publish and finish the job. Retryable failures are raised; others end the job as failed."""
        traces.current().mark(job=publish.job)
        async with beating():
            try:
                return await self._publish(publish)
            except Located as failure:
                _log.info("publication failed", job=publish.job, error=str(failure.error))
                raise application_error(failure) from failure
            except asyncio.CancelledError:
                raise
            except Exception as error:
                _log.exception("publication failed for a reason that nobody foresaw", job=publish.job)
                raise application_error(locate(error)) from error

    async def _publish(self, publish: PublishInput) -> PublishOutcome:
        server = self._parts.server
        request = worker_pb2.BeginPublishRequest(job=publish.job)
        if publish.failure is not None:
            request.failure.CopyFrom(note_message(publish.failure))
        finish = worker_pb2.FinishJobRequest(job=publish.job)
        # The destination stops when the job has ended: nobody has to wait for that.
        async with AsyncExitStack() as running:
            try:
                decision = await server.call(server.runs.BeginPublish, request, patience=for_seconds(_PATIENCE))
            except Located as failure:
                if failure.error.reason != "JOB_ENDED":
                    raise
                # An earlier try came to the end, only its answer was lost: finishing again tells the state.
            else:
                finish.epoch = decision.epoch
                broken = await self._deliver(publish.job, decision, running)
                if broken is not None:
                    finish.failure.CopyFrom(failure_message(broken))
            answer = await server.call(server.runs.FinishJob, finish, patience=for_seconds(_PATIENCE))
        state = jobs_pb2.Job.State.Name(answer.state)
        _log.info("job ended", job=publish.job, state=state)
        return PublishOutcome(state)

    async def _deliver(
        self, job: str, decision: worker_pb2.BeginPublishResponse, running: AsyncExitStack
    ) -> Located | None:
        """Carry the decision out at the destination; return a failure that ends the job, raise one to retry.

        The destination goes on until `running` is closed.
        """
        publishes = bool(decision.receipts or decision.completed_streams)
        if not publishes and decision.epoch <= 1:
            return None  # no attempt ever began, so nothing is staged
        async with JobLog(self._parts.server, job, attempt=decision.epoch) as journal:
            try:
                destination = await running.enter_async_context(self._destination(job, decision.destination, journal))
                await _call(destination, job, decision, journal)
                destination.log_to(None)
            except Located as failure:
                return self._judge(failure, journal, publishes=publishes)
        return None

    @asynccontextmanager
    async def _destination(
        self, job: str, launch: worker_pb2.ConnectorLaunch, journal: JobLog
    ) -> AsyncGenerator[Connector]:
        """Take the destination that the transfer parked on this worker, or launch it; leaving stops it."""
        parked = await self._parts.parking.take(job, launch)
        if parked is None:
            async with connected(self._parts.launcher, launch, "destination", journal, job) as launched:
                yield launched
            return
        connector, running = parked
        async with running:
            connector.log_to(journal)
            yield connector

    def _judge(self, failure: Located, journal: JobLog, *, publishes: bool) -> Located | None:
        """Decide what a failed call means.

        A publication that was begun may be half visible, so it is repeated for as long as that can help: giving up
        would deliver the same rows again with the next job. Discarding may be given up: what is staged can never be
        seen.
        """
        level = types_pb2.LogEntry.LEVEL_ERROR
        if publishes:
            journal.note(
                failure.origin, level, f"the publication failed: {failure.error}", kind=failure.error.kind.value
            )
            if failure.error.rule.retry:
                raise failure
            return failure
        journal.note(failure.origin, level, f"what was staged could not be discarded: {failure.error}")
        if failure.error.rule.retry and activity.info().attempt < _ABORT_ATTEMPTS:
            raise failure
        return None


async def _call(destination: Connector, job: str, decision: worker_pb2.BeginPublishResponse, journal: JobLog) -> None:
    info = types_pb2.LogEntry.LEVEL_INFO
    if decision.receipts or decision.completed_streams:
        await destination.complete(write_id(job), decision.receipts, decision.completed_streams)
        commits, streams = len(decision.receipts), len(decision.completed_streams)
        journal.note("worker", info, "published", commits=commits, completed_streams=streams)
    else:
        await destination.abort(write_id(job))
        journal.note("worker", info, "nothing to publish; what was staged is discarded")
