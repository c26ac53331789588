"""Decides what a job publishes, and ends it when that was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from towpath_sdk.errors import Fenced, Misconfigured

from towpath_server.domain.connection import StreamPosition
from towpath_server.domain.failure import Failure
from towpath_server.domain.generations import advanced, cleared, reset
from towpath_server.domain.job import Job, JobKind, JobState, JobStream
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.domain.publication import Decision, decide, end_published, end_unpublished
from towpath_server.domain.streams import StreamName, StreamSelection
from towpath_server.domain.task import Launch
from towpath_server.metrics import JOBS_ENDED
from towpath_server.use_cases.attempts import destination_launch
from towpath_server.use_cases.changes import Changes
from towpath_server.use_cases.endings import end_job
from towpath_server.use_cases.problems import JobEnded, check_held, no_such
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Records, Store

__all__ = ["Publication", "Publications"]


@dataclass(frozen=True)
class Publication:
    """What to publish: receipts, each writer's oldest first, and the streams whose older generations then go away."""

    epoch: int
    destination: Launch
    receipts: Sequence[bytes]
    completed: Sequence[JobStream]


class Publications:
    """The last step of jobs."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    async def begin(self, job_id: str, failure: Failure | None, holder: str) -> Publication:
        """Decide once what a job publishes, and fence every attempt. A repetition returns the same decision.

        From now on only `holder`, the caller's name, may finish the job, until another begins to publish it.
        """
        async with self._store.write() as records:
            job = await _locked(records, job_id)
            if job.state.terminal:
                raise JobEnded(job.name, job.state.name)
            streams = await records.jobs.streams(job_id)
            decision = await records.jobs.decision(job_id)
            if decision is None or job.publish_epoch is None:
                decision = decide(job.kind, streams)
                job = await self._store_decision(records, replace(job, holder=holder), streams, decision, failure)
            elif job.holder != holder:
                job = replace(job, holder=holder)
                await records.jobs.save(job)
            receipts = await records.jobs.receipts(job_id)
            destination = await destination_launch(records, job)
        self._changes.notify(job_id)
        return Publication(
            epoch=job.publish_epoch or job.epoch,
            destination=destination,
            receipts=[receipt for index in sorted(decision.published) for receipt in receipts.get(index, ())],
            completed=[stream for stream in streams if stream.index in decision.completed],
        )

    async def finish(self, job_id: str, epoch: int, failure: Failure | None, holder: str) -> JobState:
        """End a job in one transaction with the advance of its connection; a repetition returns the same state.

        `failure` says that nothing was published, and why: then nothing advances.
        """
        async with self._store.write() as records:
            job = await _locked(records, job_id)
            if job.state.terminal:
                return job.state
            _check_epoch(job, epoch, failure)
            check_held(job, holder)
            streams = await records.jobs.streams(job_id)
            decision = await records.jobs.decision(job_id)
            if failure is not None or decision is None:
                assert failure is not None
                outcome = end_unpublished(streams, failure)
            else:
                await _advance(records, job, streams, decision)
                outcome = end_published(
                    streams, decision, job.publish_failure, cancel_requested=job.state is JobState.CANCELLING
                )
            ended = await end_job(records, job, outcome)
        JOBS_ENDED.labels(ended.state.name.lower()).inc()
        self._changes.notify(job_id)
        return ended.state

    async def _store_decision(
        self, records: Records, job: Job, streams: Sequence[JobStream], decision: Decision, failure: Failure | None
    ) -> Job:
        time = now()
        epoch = job.epoch + 1
        state = JobState.RUNNING if job.state is JobState.QUEUED else job.state
        decided = replace(
            job,
            epoch=epoch,
            publish_epoch=epoch,
            publish_failure=failure,
            state=state,
            start_time=job.start_time or time,
            seen_time=time,
        )
        await records.jobs.save(decided)
        await records.jobs.save_decision(job.id, decision)
        if job.kind is JobKind.CLEAR:
            for stream in streams:
                await records.positions.put(job.connection, cleared(stream, done=False, now=time))
        attributes = {"streams": str(len(decision.published)), "complete": str(len(decision.completed))}
        await records.logs.append(
            job.id, [LogLine(time, LogLevel.INFO, "server", "publishing", attributes, attempt=epoch)]
        )
        return decided


async def _locked(records: Records, job_id: str) -> Job:
    job = await records.jobs.find(job_id, lock=True)
    if job is None:
        raise no_such(f"jobs/{job_id}")
    return job


def _check_epoch(job: Job, epoch: int, failure: Failure | None) -> None:
    if epoch and epoch != job.publish_epoch:
        raise Fenced(f"epoch {epoch} of {job.name} is not that of its publication")
    if not epoch and failure is None:
        problem = "is required when nothing was published"
        raise Misconfigured(f"failure {problem}", reason="FAILURE_MISSING", fields={"failure": problem})


async def _advance(records: Records, job: Job, streams: Sequence[JobStream], decision: Decision) -> None:
    """Store the positions after what `decision` names was published."""
    connection = await records.connections.find(job.connection, lock=True)
    selected: Mapping[StreamName, StreamSelection] = (
        {} if connection is None else {selection.name: selection for selection in connection.streams}
    )
    time = now()
    for stream in streams:
        if stream.index in decision.published | decision.completed:
            position = _position_after(job, stream, decision, time)
            present = selected.get(stream.selection.name)
            if present is not None and not present.reads_like(stream.selection):
                # The connection was changed while the job ran: its state is of no use for the new way of reading.
                position = reset(position, time)
            await records.positions.put(job.connection, position)


def _position_after(job: Job, stream: JobStream, decision: Decision, time: datetime) -> StreamPosition:
    if job.kind is JobKind.CLEAR:
        return cleared(stream, done=True, now=time)
    return advanced(stream, completed=stream.index in decision.completed, now=time)
