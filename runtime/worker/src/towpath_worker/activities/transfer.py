"""One attempt of a job: begin, start both connectors, move the streams, end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from temporalio import activity
from towpath.connector.v1 import types_pb2
from towpath.control.v1 import connections_pb2, jobs_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_contracts import TRANSFER, TransferInput, TransferOutcome
from towpath_sdk import traces
from towpath_sdk.errors import Kind

from towpath_worker.activities.outcome import application_error, beating, interruption
from towpath_worker.activities.parts import Parts
from towpath_worker.connectors import Connector, connected, together
from towpath_worker.failures import Located, locate
from towpath_worker.server import JobLog, JobSession, Lease
from towpath_worker.server.channel import for_seconds
from towpath_worker.transfer import Budget, Job, run_attempt

__all__ = ["TransferActivity", "write_id"]

_PATIENCE = 60.0
"""Seconds that an attempt waits for the server before it begins."""

_log = structlog.get_logger(__name__)


def write_id(job: str) -> str:
    """Return the id of a job's write at the destination, equal over all attempts: the id of the job."""
    return job.removeprefix("jobs/")


class TransferActivity:
    """Holds what the activity needs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @activity.defn(name=TRANSFER)
    async def transfer(self, transfer: TransferInput) -> TransferOutcome:
        """Make one attempt. Raises what ended it, with the kind as its type, so that Temporal decides about a retry."""
        async with beating():
            begun = _log.bind(job=transfer.job)
            traces.current().mark(job=transfer.job)
            try:
                work = await self._begin(transfer.job)
            except Located as failure:
                begun.warning("attempt could not begin", error=str(failure.error))
                raise application_error(failure) from failure
            lease = Lease(work.lease.ToTimedelta().total_seconds())
            session = JobSession(self._parts.server, transfer.job, work.epoch, lease)
            return await self._attempt(transfer.job, work, session)

    async def _begin(self, job: str) -> worker_pb2.BeginAttemptResponse:
        server = self._parts.server
        info = activity.info()
        request = worker_pb2.BeginAttemptRequest(
            job=job, worker=self._parts.identity, run_id=info.workflow_run_id or "", try_number=info.attempt
        )
        return await server.call(server.runs.BeginAttempt, request, patience=for_seconds(_PATIENCE))

    async def _attempt(self, job: str, work: worker_pb2.BeginAttemptResponse, session: JobSession) -> TransferOutcome:
        """Run the attempt and close it at the server, however it ends.

        The connectors are gone by then, but for a destination that is parked for the publication.
        """
        log = _log.bind(job=job, attempt=work.epoch)
        traces.current().mark(connection=work.connection, attempt=work.epoch)
        log.info("attempt begins", connection=work.connection, streams=len(work.streams))
        try:
            await self._run(job, work, session)
        except asyncio.CancelledError:
            failure = interruption()
            log.info("attempt interrupted", reason=failure.error.reason)
            await _farewell(session, failure)
            if failure.error.rule.retry:
                raise application_error(failure) from None
            raise
        except Exception as error:
            failure = locate(error)
            if failure is not error and failure.error.kind is Kind.BUG:
                log.exception("attempt failed for a reason that nobody foresaw")
            else:
                log.info("attempt failed", kind=failure.error.kind.value, error=str(failure.error))
            await _farewell(session, failure)
            if failure.error.kind is Kind.CANCELLED and failure.origin == "server":
                return TransferOutcome(cancelled=True)
            raise application_error(failure) from error
        await _farewell(session, None)
        log.info("attempt done")
        return TransferOutcome(cancelled=False)

    async def _run(self, job: str, work: worker_pb2.BeginAttemptResponse, session: JobSession) -> None:
        if work.kind == jobs_pb2.Job.KIND_CLEAR:
            return  # nothing is read: the publication removes what was delivered
        async with JobLog(self._parts.server, job, attempt=work.epoch) as journal:
            info = types_pb2.LogEntry.LEVEL_INFO
            facts: dict[str, Any] = {"worker": self._parts.identity}
            if trace := traces.trace_id():
                facts["trace_id"] = trace
            journal.note("worker", info, f"attempt {work.epoch} begins", **facts)
            budget = Budget(self._parts.in_flight_bytes)
            try:
                await self._move(job, work, session, journal, budget)
            except Located as failure:
                journal.note(
                    failure.origin,
                    types_pb2.LogEntry.LEVEL_ERROR,
                    f"attempt {work.epoch} failed: {failure.error}",
                    kind=failure.error.kind.value,
                    reason=failure.error.reason,
                )
                raise
            journal.note("worker", info, f"attempt {work.epoch} is done", most_bytes_in_flight=budget.peak)

    async def _move(
        self, job: str, work: worker_pb2.BeginAttemptResponse, session: JobSession, journal: JobLog, budget: Budget
    ) -> None:
        settings, launcher = work.settings, self._parts.launcher
        policy = connections_pb2.Connection.SCHEMA_CHANGE_POLICY_FAIL
        async with AsyncExitStack() as running:
            source, (destination, keep) = await running.enter_async_context(
                together(
                    connected(launcher, work.source, "source", journal, job),
                    _kept(connected(launcher, work.destination, "destination", journal, job)),
                )
            )
            await run_attempt(
                Job(
                    source=source,
                    destination=destination,
                    platform=session,
                    journal=journal,
                    budget=budget,
                    write_id=write_id(job),
                    epoch=work.epoch,
                    commit_bytes=settings.commit_bytes,
                    commit_interval=settings.commit_interval.ToTimedelta().total_seconds(),
                    fail_on_drift=work.schema_change_policy == policy,
                    max_parallel_streams=settings.max_parallel_streams,
                ),
                work.streams,
            )
            self._parts.parking.park(job, work.destination, destination, keep())


@asynccontextmanager
async def _kept(
    context: AbstractAsyncContextManager[Connector],
) -> AsyncGenerator[tuple[Connector, Callable[[], AsyncExitStack]]]:
    """Enter a context that may outlive this one: the second value takes it over from here."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(context), stack.pop_all


async def _farewell(session: JobSession, failure: Located | None) -> None:
    """Close the attempt. What goes wrong changes nothing: the next attempt, or the publication, fences this one."""
    try:
        await session.end(failure)
    except Located as problem:
        _log.info("the end of an attempt was not stored", error=str(problem.error))
