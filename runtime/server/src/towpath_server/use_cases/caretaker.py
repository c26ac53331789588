"""Looks after what was left half-done: by a crash of a server, by Temporal being away, by a workflow ended by hand.

Every server runs it. Each step is harmless when another server takes it too.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from towpath_contracts import job_workflow_id
from towpath_sdk.errors import Kind, Owner, TowpathError, Unavailable

from towpath_server.domain.failure import Failure, cancelled_by_user
from towpath_server.domain.job import Job, JobState
from towpath_server.domain.publication import end_unpublished
from towpath_server.metrics import JOBS_ENDED
from towpath_server.use_cases.changes import Changes
from towpath_server.use_cases.endings import end_job
from towpath_server.use_cases.jobs import Jobs
from towpath_server.use_cases.orchestrator import Orchestrator, WorkflowStatus
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.schedules import Schedules
from towpath_server.use_cases.store import Store

__all__ = ["CareTimes", "Caretaker"]

_log = structlog.get_logger()

_BATCH = 200
_MOST_PUBLICATIONS = 10
_REQUESTS_KEPT = timedelta(days=2)
_TASKS_KEPT = timedelta(minutes=5)
# A job that is just being started or cancelled by the method that was called for it.
_SETTLING = timedelta(seconds=2)


@dataclass(frozen=True)
class CareTimes:
    """Seconds: between rounds, between audits of all schedules, and of silence after which a job is looked at."""

    round: float = 2.0
    audit: float = 300.0
    silence: float = 30.0


class Caretaker:
    """Brings database and Temporal back in step."""

    def __init__(
        self,
        store: Store,
        orchestrator: Orchestrator,
        jobs: Jobs,
        schedules: Schedules,
        changes: Changes,
        times: CareTimes,
    ) -> None:
        self._store = store
        self._orchestrator = orchestrator
        self._jobs = jobs
        self._schedules = schedules
        self._changes = changes
        self._times = times

    async def run(self) -> None:
        """Make rounds until cancelled."""
        next_audit = time.monotonic()
        while True:
            try:
                await self.round()
                if time.monotonic() >= next_audit:
                    await self._schedules.audit()
                    await self._tidy()
                    next_audit = time.monotonic() + self._times.audit
            except Unavailable as error:
                _log.warning("round put off", reason=error.reason)
            except Exception:  # noqa: BLE001 - a round that fails must not end the rounds; the log has the trace
                _log.exception("round failed")
            await asyncio.sleep(self._times.round)

    async def round(self) -> None:
        """Make one round. Raises Unavailable when database or Temporal do not answer."""
        await self._schedules.settle_rest()
        async with self._store.read() as records:
            jobs = await records.jobs.needing_care(now() - timedelta(seconds=self._times.silence), _BATCH)
        for job in jobs:
            try:
                await self._care(job)
            except Unavailable:
                raise
            except TowpathError as error:
                _log.error("job not looked after", job=job.name, reason=error.reason, error=error.message)

    async def _care(self, job: Job) -> None:
        if now() - job.create_time < _SETTLING:
            return
        if not job.cancel_delivered:
            await self._jobs.deliver_cancel(job)
        if job.state.terminal:
            return
        if not job.workflow_started:
            _log.info("workflow started late", job=job.name)
            await self._start(job)
        elif (now() - job.seen_time).total_seconds() >= self._times.silence:
            status = await self._orchestrator.status(job.workflow_id, job.run_id)
            if status is not WorkflowStatus.RUNNING:
                await self._take_up(job, status)

    async def _start(self, job: Job) -> None:
        """Start the workflow of a queued job, or the one that takes a lost job up at its publication."""
        await self._jobs.start_workflow(job, abandoned=_why_lost(job) if job.workflow_restarts else None)

    async def _take_up(self, seen: Job, status: WorkflowStatus) -> None:
        """Deal with an active job whose workflow is over.

        When something may be staged or published already, a new workflow goes straight to the publication, so that what
        was committed is delivered and the rest is discarded. If nothing was begun, or that was lost too, the job ends
        here; only a publication that was decided is tried more often, because readers may have seen a part of it.
        """
        async with self._store.write() as records:
            job = await records.jobs.find(seen.id, lock=True)
            if job is None or job.state.terminal or job.revision != seen.revision:
                return
            tries = _MOST_PUBLICATIONS if job.publish_epoch is not None else 1
            if job.epoch == 0 or job.workflow_restarts >= tries:
                streams = await records.jobs.streams(job.id)
                job = await end_job(records, job, end_unpublished(streams, _why_lost(job)))
            else:
                # Under the job's own name, also when a Schedule had started the first workflow.
                job = replace(
                    job,
                    workflow_restarts=job.workflow_restarts + 1,
                    workflow_started=False,
                    workflow_id=job_workflow_id(job.name),
                    run_id="",
                    seen_time=now(),
                )
                await records.jobs.save(job)
        _log.warning("workflow lost", job=job.name, status=status.value, state=job.state.name)
        self._changes.notify(job.id)
        if job.state.terminal:
            JOBS_ENDED.labels(job.state.name.lower()).inc()
        else:
            await self._start(job)

    async def _tidy(self) -> None:
        async with self._store.write() as records:
            await records.requests.drop_older(now() - _REQUESTS_KEPT)
            await records.tasks.drop_overdue(now() - _TASKS_KEPT)


def _why_lost(job: Job) -> Failure:
    if job.state is JobState.CANCELLING:
        return cancelled_by_user()
    return Failure(
        kind=Kind.UNAVAILABLE,
        reason="WORKFLOW_LOST",
        message="the job's workflow ended without a word: it was ended from outside, or Temporal lost it; start "
        "another sync, it goes on after the last delivered state",
        owner=Owner.PLATFORM,
        origin="server",
    )
