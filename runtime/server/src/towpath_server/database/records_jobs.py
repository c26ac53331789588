"""Rows of jobs, their streams, attempts and commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import (
    decode_decision,
    decode_failure,
    decode_samples,
    decode_selection,
    decode_settings,
    encode_decision,
    encode_failure,
    encode_samples,
    encode_selection,
    encode_settings,
    from_micros,
    from_optional_micros,
    micros,
    optional_micros,
)
from towpath_server.domain.connection import SchemaChangePolicy
from towpath_server.domain.job import (
    ACTIVE,
    Attempt,
    CommitMark,
    Job,
    JobKind,
    JobState,
    JobStream,
    StreamState,
    Totals,
    Trigger,
)
from towpath_server.domain.publication import Decision
from towpath_server.use_cases.problems import JobActive

__all__ = ["JobRows"]

_ACTIVE = [int(state) for state in ACTIVE]


class JobRows:
    """Jobs, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, identifier: str, *, lock: bool = False) -> Job | None:
        """Return a job, None when there is none; `lock` keeps others from changing it until the end."""
        query = select(tables.jobs).where(tables.jobs.c.id == identifier)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).mappings().first()
        return None if row is None else _job(row)

    async def marks(self, identifier: str) -> tuple[int, int, JobState] | None:
        """Return revision, last log seq and state of a job: what a watcher asks for several times a second."""
        table = tables.jobs
        query = select(table.c.revision, table.c.log_seq, table.c.state).where(table.c.id == identifier)
        row = (await self._connection.execute(query)).first()
        return None if row is None else (row[0], row[1], JobState(row[2]))

    async def page(self, connection: str | None, before: str, limit: int) -> Sequence[Job]:
        """Return up to `limit` jobs, newest first, older than the id `before` (empty: from the newest)."""
        table = tables.jobs
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if connection is not None:
            query = query.where(table.c.connection == connection)
        if before:
            query = query.where(table.c.id < before)
        return [_job(row) for row in (await self._connection.execute(query)).mappings()]

    async def totals(self, jobs: Collection[str]) -> Mapping[str, Totals]:
        """Return the sums over the streams of each of the jobs that have streams."""
        table = tables.job_streams
        columns = (
            table.c.rows_read,
            table.c.bytes_read,
            table.c.rows_committed,
            table.c.bytes_committed,
            table.c.commit_seq,
            table.c.rows_rejected,
        )
        query = select(table.c.job, *map(func.sum, columns)).where(table.c.job.in_(jobs)).group_by(table.c.job)
        # PostgreSQL adds big integers up to a decimal.
        return {job: Totals(*map(int, sums)) for job, *sums in await self._connection.execute(query)}

    async def latest(self, connections: Collection[str]) -> Mapping[str, Job]:
        """Return the newest job of each of the connections that have one."""
        table = tables.jobs
        newest = (
            select(func.max(table.c.id)).where(table.c.connection.in_(connections)).group_by(table.c.connection)
        ).scalar_subquery()
        query = select(table).where(table.c.id.in_(newest))
        jobs = [_job(row) for row in (await self._connection.execute(query)).mappings()]
        return {job.connection: job for job in jobs}

    async def active_of(self, connection: str) -> Job | None:
        """Return the queued or running job of a connection."""
        table = tables.jobs
        query = select(table).where(table.c.connection == connection, table.c.state.in_(_ACTIVE))
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _job(row)

    async def active(self) -> Sequence[Job]:
        """Return every job that has not ended; of each connection there is at most one."""
        query = select(tables.jobs).where(tables.jobs.c.state.in_(_ACTIVE))
        return [_job(row) for row in (await self._connection.execute(query)).mappings()]

    async def of_run(self, workflow_id: str, run_id: str) -> Job | None:
        """Return the job that a scheduled run has opened."""
        table = tables.jobs
        query = select(table).where(table.c.workflow_id == workflow_id, table.c.run_id == run_id)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _job(row)

    async def needing_care(self, silent_since: datetime, limit: int) -> Sequence[Job]:
        """Return jobs that someone has to look after.

        Those whose workflow was never started, those whose cancel did not reach Temporal, and active ones of which no
        worker was heard since `silent_since`.
        """
        table = tables.jobs
        active = table.c.state.in_(_ACTIVE)
        query = (
            select(table)
            .where(
                or_(
                    and_(active, table.c.workflow_started.is_(False)),
                    table.c.cancel_delivered.is_(False),
                    and_(active, table.c.seen_time < micros(silent_since)),
                )
            )
            .order_by(table.c.seen_time)
            .limit(limit)
        )
        return [_job(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, job: Job, streams: Sequence[JobStream]) -> None:
        """Insert a job with its streams. Raises JobActive when the connection has an active one."""
        try:
            await self._connection.execute(insert(tables.jobs).values(_job_values(job)))
        except IntegrityError as error:
            raise JobActive(f"connections/{job.connection}", "another job") from error
        if streams:
            await self._connection.execute(
                insert(tables.job_streams), [{"job": job.id, **_stream_values(stream)} for stream in streams]
            )

    async def save(self, job: Job) -> None:
        """Store a job that was found with `lock`, and tell watchers that it changed."""
        table = tables.jobs
        values = _job_values(job)
        values["revision"] = table.c.revision + 1
        await self._connection.execute(update(table).where(table.c.id == job.id).values(values))

    async def streams(self, job: str) -> Sequence[JobStream]:
        """Return the streams of a job in the order of the connection."""
        table = tables.job_streams
        query = select(table).where(table.c.job == job).order_by(table.c.index)
        return [_stream(row) for row in (await self._connection.execute(query)).mappings()]

    async def stream(self, job: str, index: int) -> JobStream | None:
        """Return one stream of a job."""
        table = tables.job_streams
        query = select(table).where(table.c.job == job, table.c.index == index)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _stream(row)

    async def save_stream(self, job: str, stream: JobStream) -> None:
        """Store one stream of a job that was found with `lock`."""
        table = tables.job_streams
        await self._connection.execute(
            update(table).where(table.c.job == job, table.c.index == stream.index).values(_stream_values(stream))
        )

    async def attempts(self, job: str) -> Sequence[Attempt]:
        """Return the attempts of a job, oldest first."""
        table = tables.attempts
        query = select(table).where(table.c.job == job).order_by(table.c.number)
        return [_attempt(row) for row in (await self._connection.execute(query)).mappings()]

    async def add_attempt(self, job: str, attempt: Attempt) -> None:
        """Insert an attempt."""
        await self._connection.execute(
            insert(tables.attempts).values(
                job=job,
                number=attempt.number,
                worker=attempt.worker,
                start_time=micros(attempt.start_time),
                end_time=optional_micros(attempt.end_time),
                failure=encode_failure(attempt.failure),
                holder=attempt.holder,
                run_id=attempt.run_id,
                try_number=attempt.try_number,
            )
        )

    async def save_attempt(self, job: str, attempt: Attempt) -> None:
        """Store end and failure of an attempt."""
        table = tables.attempts
        await self._connection.execute(
            update(table)
            .where(table.c.job == job, table.c.number == attempt.number)
            .values(end_time=optional_micros(attempt.end_time), failure=encode_failure(attempt.failure))
        )

    async def receipts(self, job: str) -> Mapping[int, Sequence[bytes]]:
        """Return the receipts of a job by stream index, oldest first."""
        table = tables.commits
        query = (
            select(table.c.index, table.c.receipt).where(table.c.job == job).order_by(table.c.index, table.c.commit_seq)
        )
        found: dict[int, list[bytes]] = {}
        for index, receipt in (await self._connection.execute(query)).all():
            found.setdefault(index, []).append(receipt)
        return found

    async def recent_commits(self, job: str, most: int) -> Mapping[int, Sequence[CommitMark]]:
        """Return the newest commits of each stream of a job by stream index, at most `most` of each, oldest first."""
        table, streams = tables.commits, tables.job_streams
        query = (
            select(table.c.index, table.c.rows, table.c.time, streams.c.rows_committed)
            .join(streams, and_(streams.c.job == table.c.job, streams.c.index == table.c.index))
            .where(table.c.job == job, table.c.commit_seq > streams.c.commit_seq - most)
            .order_by(table.c.index, table.c.commit_seq.desc())
        )
        found: dict[int, list[CommitMark]] = {}
        before = 0
        for index, rows, time, committed in (await self._connection.execute(query)).all():
            # From the newest back: each ended where the next one began.
            marks = found.setdefault(index, [])
            mark = CommitMark(before if marks else committed, from_micros(time))
            marks.append(mark)
            before = mark.rows - rows
        return {index: marks[::-1] for index, marks in found.items()}

    async def receipt(self, job: str, index: int, commit_seq: int) -> bytes | None:
        """Return the receipt of one commit."""
        table = tables.commits
        query = select(table.c.receipt).where(
            table.c.job == job, table.c.index == index, table.c.commit_seq == commit_seq
        )
        return (await self._connection.execute(query)).scalar()

    async def add_commit(
        self, job: str, index: int, commit_seq: int, receipt: bytes, *, rows: int, size: int, time: datetime
    ) -> None:
        """Insert one commit."""
        await self._connection.execute(
            insert(tables.commits).values(
                job=job,
                index=index,
                commit_seq=commit_seq,
                receipt=receipt,
                rows=rows,
                bytes=size,
                time=micros(time),
            )
        )

    async def drop_commits(self, job: str, index: int) -> None:
        """Forget the commits of one stream of a job."""
        table = tables.commits
        await self._connection.execute(delete(table).where(table.c.job == job, table.c.index == index))

    async def decision(self, job: str) -> Decision | None:
        """Return what a job decided to publish; None before BeginPublish."""
        query = select(tables.jobs.c.publish_decision).where(tables.jobs.c.id == job)
        text = (await self._connection.execute(query)).scalar()
        return None if text is None else decode_decision(text)

    async def save_decision(self, job: str, decision: Decision) -> None:
        """Store what a job publishes."""
        await self._connection.execute(
            update(tables.jobs).where(tables.jobs.c.id == job).values(publish_decision=encode_decision(decision))
        )


def _job(row: RowMapping) -> Job:
    return Job(
        id=row["id"],
        connection=row["connection"],
        kind=JobKind(row["kind"]),
        state=JobState(row["state"]),
        trigger=Trigger(row["trigger"]),
        settings=decode_settings(row["settings"]),
        schema_change_policy=SchemaChangePolicy(row["schema_change_policy"]),
        epoch=row["epoch"],
        publish_epoch=row["publish_epoch"],
        publish_failure=decode_failure(row["publish_failure"]),
        workflow_id=row["workflow_id"],
        run_id=row["run_id"],
        workflow_started=row["workflow_started"],
        workflow_restarts=row["workflow_restarts"],
        cancel_delivered=row["cancel_delivered"],
        failure=decode_failure(row["failure"]),
        revision=row["revision"],
        log_seq=row["log_seq"],
        create_time=from_micros(row["create_time"]),
        start_time=from_optional_micros(row["start_time"]),
        end_time=from_optional_micros(row["end_time"]),
        seen_time=from_micros(row["seen_time"]),
        holder=row["holder"],
    )


def _job_values(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "connection": job.connection,
        "kind": int(job.kind),
        "state": int(job.state),
        "trigger": job.trigger.value,
        "settings": encode_settings(job.settings),
        "schema_change_policy": int(job.schema_change_policy),
        "epoch": job.epoch,
        "publish_epoch": job.publish_epoch,
        "publish_failure": encode_failure(job.publish_failure),
        "workflow_id": job.workflow_id,
        "run_id": job.run_id,
        "workflow_started": job.workflow_started,
        "workflow_restarts": job.workflow_restarts,
        "cancel_delivered": job.cancel_delivered,
        "failure": encode_failure(job.failure),
        "revision": job.revision,
        "create_time": micros(job.create_time),
        "start_time": optional_micros(job.start_time),
        "end_time": optional_micros(job.end_time),
        "seen_time": micros(job.seen_time),
        "holder": job.holder,
    }


def _stream(row: RowMapping) -> JobStream:
    return JobStream(
        index=row["index"],
        selection=decode_selection(row["selection"]),
        state=StreamState(row["state"]),
        base_state=row["base_state"],
        base_state_version=row["base_state_version"],
        base_ipc_schema=row["base_ipc_schema"],
        generation=row["generation"],
        minimum_generation=row["minimum_generation"],
        commit_seq=row["commit_seq"],
        committed_state=row["committed_state"],
        committed_state_version=row["committed_state_version"],
        ipc_schema=row["ipc_schema"],
        rows_read=row["rows_read"],
        bytes_read=row["bytes_read"],
        rows_committed=row["rows_committed"],
        bytes_committed=row["bytes_committed"],
        rows_rejected=row["rows_rejected"],
        estimated_rows=row["estimated_rows"],
        samples=decode_samples(row["samples"]),
        failure=decode_failure(row["failure"]),
    )


def _stream_values(stream: JobStream) -> dict[str, Any]:
    return {
        "index": stream.index,
        "selection": encode_selection(stream.selection),
        "state": int(stream.state),
        "base_state": stream.base_state,
        "base_state_version": stream.base_state_version,
        "base_ipc_schema": stream.base_ipc_schema,
        "generation": stream.generation,
        "minimum_generation": stream.minimum_generation,
        "commit_seq": stream.commit_seq,
        "committed_state": stream.committed_state,
        "committed_state_version": stream.committed_state_version,
        "ipc_schema": stream.ipc_schema,
        "rows_read": stream.rows_read,
        "bytes_read": stream.bytes_read,
        "rows_committed": stream.rows_committed,
        "bytes_committed": stream.bytes_committed,
        "rows_rejected": stream.rows_rejected,
        "estimated_rows": stream.estimated_rows,
        "samples": encode_samples(stream.samples),
        "failure": encode_failure(stream.failure),
    }


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(
        number=row["number"],
        worker=row["worker"],
        start_time=from_micros(row["start_time"]),
        end_time=from_optional_micros(row["end_time"]),
        failure=decode_failure(row["failure"]),
        holder=row["holder"],
        run_id=row["run_id"],
        try_number=row["try_number"],
    )
