"""Starts, shows and cancels jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog
from towpath_contracts import job_workflow_id, scheduled_workflow_prefix, split_run_identity
from towpath_sdk.errors import Conflict, Misconfigured, TowpathError

from towpath_server.domain.connection import Connection
from towpath_server.domain.failure import Failure, cancelled_by_user
from towpath_server.domain.generations import start_of
from towpath_server.domain.ids import new_id
from towpath_server.domain.job import Job, JobKind, JobState, JobStream, JobView, StreamState, Totals, Trigger
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.domain.pages import page_size, page_start, page_token
from towpath_server.domain.publication import end_unpublished
from towpath_server.domain.streams import StreamName
from towpath_server.metrics import JOBS_ENDED
from towpath_server.use_cases.audit import record
from towpath_server.use_cases.changes import Changes
from towpath_server.use_cases.endings import end_job
from towpath_server.use_cases.orchestrator import Orchestrator, WorkflowStatus
from towpath_server.use_cases.problems import JobActive, JobEnded, no_such
from towpath_server.use_cases.requests import now, remember, served_before
from towpath_server.use_cases.store import Records, Store

__all__ = ["Jobs", "view_of"]

_log = structlog.get_logger()

_COMMITS_SHOWN = 32
"""Commits of a stream that a view of its job tells of, the newest."""


class Jobs:
    """Runs of connections. A connection never has two that are active."""

    def __init__(self, store: Store, orchestrator: Orchestrator, changes: Changes) -> None:
        self._store = store
        self._orchestrator = orchestrator
        self._changes = changes

    async def start(self, connection: str, kind: JobKind, streams: Sequence[StreamName], request_id: str) -> JobView:
        """Queue a job of a connection id for `streams`, all when empty. Raises JobActive, NotFound, Misconfigured."""
        method, name = f"{kind.name.title()}Connection", f"connections/{connection}"
        async with self._store.write() as records:
            present = await records.connections.find(connection, lock=True)
            if present is None:
                raise no_such(name)
            served = await served_before(records, method, request_id, name)
            if served is not None:
                return await view_of(records, served)
            chosen = _chosen(present, streams)
            identifier = new_id()
            job = await _queue(
                records, present, kind, chosen, identifier, Trigger.MANUAL, job_workflow_id(f"jobs/{identifier}"), ""
            )
            await remember(records, method, request_id, name, job.id)
            chosen_streams = {"streams": ", ".join(map(str, streams))} if streams else {}
            await record(records, kind.name.lower(), name, job=job.name, **chosen_streams)
        await self.start_workflow(job)
        async with self._store.read() as records:
            return await view_of(records, job.id)

    async def open_scheduled(self, connection: str, run_identity: str) -> Job:
        """Return the job of a scheduled run, made now unless it was before.

        Raises JobActive: the run is skipped. Raises Conflict unless Temporal runs it: a worker opens what it was
        handed, and nobody guesses the id of a run.
        """
        name = f"connections/{connection}"
        try:
            workflow_id, run_id = split_run_identity(run_identity)
        except ValueError as error:
            raise Misconfigured(str(error), reason="INVALID_RUN_ID", fields={"run_id": str(error)}) from error
        if not workflow_id.startswith(f"{scheduled_workflow_prefix(name)}-"):
            problem = f"is no run of the schedule of {name}"
            raise Misconfigured(f"run_id {problem}", reason="INVALID_RUN_ID", fields={"run_id": problem})
        async with self._store.read() as records:
            if await records.connections.find(connection) is None:
                raise no_such(name)
            known = await records.jobs.of_run(workflow_id, run_id)
        if known is not None:
            return known
        if await self._orchestrator.status(workflow_id, run_id) is not WorkflowStatus.RUNNING:
            raise Conflict(f"{run_identity} is no run of {name} that is under way", reason="NO_SUCH_RUN")
        async with self._store.write() as records:
            present = await records.connections.find(connection, lock=True)
            if present is None:
                raise no_such(name)
            known = await records.jobs.of_run(workflow_id, run_id)
            if known is not None:
                return known
            chosen = list(range(len(present.streams)))
            return await _queue(records, present, JobKind.SYNC, chosen, new_id(), Trigger.SCHEDULE, workflow_id, run_id)

    async def get(self, identifier: str) -> JobView:
        """Return a job with attempts and streams. Raises NotFound."""
        async with self._store.read() as records:
            return await view_of(records, identifier)

    async def page(self, connection: str | None, size: int, token: str) -> tuple[Sequence[tuple[Job, Totals]], str]:
        """Return jobs with their sums, newest first, of a connection id or of all, and the token of the next page."""
        listing = f"jobs of {connection or 'all'}"
        limit, start = page_size(size), page_start(listing, token)
        async with self._store.read() as records:
            found = await records.jobs.page(connection, start, limit + 1)
            totals = await records.jobs.totals([job.id for job in found])
        shown = [(job, totals.get(job.id, Totals())) for job in found[:limit]]
        return shown, page_token(listing, found[limit - 1].id) if len(found) > limit else ""

    async def cancel(self, identifier: str) -> JobView:
        """Ask a job to stop; one that no worker has begun ends at once. Raises JobEnded."""
        async with self._store.write() as records:
            job = await records.jobs.find(identifier, lock=True)
            if job is None:
                raise no_such(f"jobs/{identifier}")
            if job.state is JobState.CANCELLED:
                return await view_of(records, identifier)
            if job.state.terminal:
                raise JobEnded(job.name, job.state.name)
            if job.state is not JobState.CANCELLING:
                await records.logs.append(identifier, [_line("cancel requested")])
                await record(records, "cancel", job.name, connection=f"connections/{job.connection}")
                if job.epoch == 0:
                    streams = await records.jobs.streams(identifier)
                    stopped = replace(job, cancel_delivered=False)
                    job = await end_job(records, stopped, end_unpublished(streams, cancelled_by_user()))
                else:
                    job = replace(job, state=JobState.CANCELLING, cancel_delivered=False)
                    await records.jobs.save(job)
        if job.state.terminal:
            JOBS_ENDED.labels(job.state.name.lower()).inc()
        self._changes.notify(identifier)
        await self.deliver_cancel(job)
        return await self.get(identifier)

    async def start_workflow(self, job: Job, *, abandoned: Failure | None = None) -> None:
        """Start the workflow of a job; when Temporal does not answer, the caretaker will start it.

        With `abandoned` it goes straight to the publication.
        """
        try:
            run_id = await self._orchestrator.start_job(job, abandoned=abandoned)
        except TowpathError as error:
            _log.warning("workflow not started yet", job=job.name, reason=error.reason, error=error.message)
            return
        async with self._store.write() as records:
            present = await records.jobs.find(job.id, lock=True)
            if present is not None and not present.workflow_started:
                await records.jobs.save(replace(present, workflow_started=True, run_id=run_id))

    async def deliver_cancel(self, job: Job) -> None:
        """Tell Temporal of a cancel; when it does not answer, the caretaker will tell it."""
        try:
            if job.state.terminal:
                await self._orchestrator.terminate(job.workflow_id, job.run_id, "cancelled before it began")
            else:
                await self._orchestrator.cancel(job.workflow_id, job.run_id)
        except TowpathError as error:
            _log.warning("cancel not delivered yet", job=job.name, reason=error.reason, error=error.message)
            return
        async with self._store.write() as records:
            present = await records.jobs.find(job.id, lock=True)
            if present is not None and not present.cancel_delivered:
                await records.jobs.save(replace(present, cancel_delivered=True))


async def view_of(records: Records, identifier: str) -> JobView:
    """Return a job with attempts and streams. Raises NotFound."""
    job = await records.jobs.find(identifier)
    if job is None:
        raise no_such(f"jobs/{identifier}")
    return JobView(
        job,
        tuple(await records.jobs.attempts(identifier)),
        tuple(await records.jobs.streams(identifier)),
        await records.jobs.recent_commits(identifier, _COMMITS_SHOWN),
    )


def _chosen(connection: Connection, streams: Sequence[StreamName]) -> list[int]:
    """Return the positions of `streams` in the connection, of all when it is empty."""
    known = {selection.name: index for index, selection in enumerate(connection.streams)}
    unknown = {
        f"streams[{index}]": f"{connection.name} has no stream {name}; choose one of: {', '.join(map(str, known))}"
        for index, name in enumerate(streams)
        if name not in known
    }
    if unknown:
        raise Misconfigured(next(iter(unknown.values())), reason="UNKNOWN_STREAM", fields=unknown)
    return sorted({known[name] for name in streams}) if streams else list(known.values())


async def _queue(
    records: Records,
    connection: Connection,
    kind: JobKind,
    chosen: Sequence[int],
    identifier: str,
    trigger: Trigger,
    workflow_id: str,
    run_id: str,
) -> Job:
    """Insert a job for the streams at the positions `chosen` of a connection that is locked."""
    active = await records.jobs.active_of(connection.id)
    if active is not None:
        raise JobActive(connection.name, active.name)
    time = now()
    job = Job(
        id=identifier,
        connection=connection.id,
        kind=kind,
        state=JobState.QUEUED,
        trigger=trigger,
        settings=connection.settings,
        schema_change_policy=connection.schema_change_policy,
        epoch=0,
        publish_epoch=None,
        publish_failure=None,
        workflow_id=workflow_id,
        run_id=run_id,
        workflow_started=trigger is Trigger.SCHEDULE,
        workflow_restarts=0,
        cancel_delivered=True,
        failure=None,
        revision=1,
        log_seq=0,
        create_time=time,
        start_time=None,
        end_time=None,
        seen_time=time,
    )
    positions = await records.positions.of(connection.id)
    streams: list[JobStream] = []
    for index in chosen:
        selection = connection.streams[index]
        start = start_of(kind, selection, positions.get(selection.name))
        streams.append(
            JobStream(
                index=index,
                selection=selection,
                state=StreamState.PENDING,
                base_state=start.state,
                base_state_version=start.state_version,
                base_ipc_schema=start.ipc_schema,
                generation=start.generation,
                minimum_generation=start.minimum_generation,
                commit_seq=0,
                committed_state=b"",
                committed_state_version=0,
                ipc_schema=b"",
                rows_read=0,
                bytes_read=0,
                rows_committed=0,
                bytes_committed=0,
                rows_rejected=0,
                estimated_rows=None,
                samples=(),
                failure=None,
            )
        )
    await records.jobs.add(job, streams)
    await records.logs.append(
        job.id, [_line("job queued", kind=kind.name.lower(), trigger=trigger.value, streams=str(len(streams)))]
    )
    return job


def _line(message: str, **attributes: str) -> LogLine:
    return LogLine(now(), LogLevel.INFO, "server", message, attributes)
