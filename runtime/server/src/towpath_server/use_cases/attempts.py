"""What an attempt of a job asks and tells: its work, its lease, its commits.

Every change is made under the lock of the job's row, in the transaction in which the epoch was compared: an attempt
that was fenced cannot store anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from towpath_sdk.errors import Conflict, Fenced, Kind, Misconfigured

from towpath_server.domain.connection import Connection
from towpath_server.domain.connector import Role
from towpath_server.domain.failure import Failure
from towpath_server.domain.ids import new_id
from towpath_server.domain.job import Attempt, Job, JobKind, JobState, JobStream, StreamState
from towpath_server.domain.limits import ContainerLimits
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.domain.rates import Sample, with_sample
from towpath_server.domain.schema_change import ColumnChange, SchemaChange
from towpath_server.domain.task import Launch
from towpath_server.metrics import BYTES_COMMITTED, ROWS_COMMITTED
from towpath_server.use_cases.changes import Changes
from towpath_server.use_cases.endpoints import launch_of
from towpath_server.use_cases.problems import JobEnded, check_held, no_such
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Records, Store

__all__ = ["Attempts", "Beginning", "Commit", "Counters", "Hold", "StreamWork", "Work", "destination_launch"]

_MOST_LINES = 1000
_WORKING = (StreamState.PENDING, StreamState.RUNNING)


@dataclass(frozen=True)
class Beginning:
    """Who begins an attempt, and why: the worker, for people; the caller's name; run and try of the job's workflow.

    `run_id` is empty and `try_number` zero when the worker does not say.
    """

    worker: str
    holder: str
    run_id: str = ""
    try_number: int = 0


@dataclass(frozen=True)
class Hold:
    """What a worker says of the attempt that it makes: the job's id, the epoch, and its own name as a caller."""

    job: str
    epoch: int
    holder: str


@dataclass(frozen=True)
class StreamWork:
    """One stream of a job with the receipts of its commits, oldest first."""

    stream: JobStream
    receipts: Sequence[bytes]

    @property
    def transferred(self) -> bool:
        """Nothing of it is left to read."""
        return self.stream.state is StreamState.TRANSFERRED


@dataclass(frozen=True)
class Work:
    """What is left to do. `source` is None when nothing is to be read."""

    job: Job
    source: Launch | None
    destination: Launch
    streams: Sequence[StreamWork]
    lease: timedelta


@dataclass(frozen=True)
class Counters:
    """Counters of one stream, of the whole job so far; `estimated_rows` is None when unknown."""

    index: int
    rows_read: int
    bytes_read: int
    rows_rejected: int
    estimated_rows: int | None


@dataclass(frozen=True)
class Commit:
    """One commit of one stream; `size` is bytes of Arrow batches."""

    index: int
    commit_seq: int
    state: bytes
    state_version: int
    receipt: bytes
    rows: int
    size: int
    ipc_schema: bytes


class Attempts:
    """Attempts of jobs."""

    def __init__(self, store: Store, changes: Changes, lease: timedelta) -> None:
        self._store = store
        self._changes = changes
        self._lease = lease

    async def begin(self, job_id: str, beginning: Beginning) -> Work:
        """Begin a new attempt, which fences every earlier one, and return what is left. Raises JobEnded.

        From now on only the holder may report for it. Raises Fenced for a try that comes after a later one of its run.
        After BeginPublish nothing is left to transfer, and the epoch stays that of the publication.
        """
        async with self._store.write() as records:
            job = await _locked(records, job_id)
            if job.state.terminal:
                raise JobEnded(job.name, job.state.name)
            await _check_not_late(records, job, beginning)
            time = now()
            if job.publish_epoch is None:
                state = JobState.CANCELLING if job.cancel_requested else JobState.RUNNING
                started = job.start_time or time
                epoch, worker, holder = job.epoch + 1, beginning.worker, beginning.holder
                job = replace(job, epoch=epoch, state=state, start_time=started, seen_time=time, holder=holder)
                await records.jobs.save(job)
                attempt = Attempt(epoch, worker, time, None, None, holder, beginning.run_id, beginning.try_number)
                await records.jobs.add_attempt(job.id, attempt)
                line = LogLine(time, LogLevel.INFO, "server", "attempt began", {"worker": worker}, attempt=epoch)
                await records.logs.append(job.id, [line])
            work = await self._work(records, job)
        self._changes.notify(job_id)
        return work

    async def report(self, hold: Hold, streams: Sequence[Counters]) -> bool:
        """Renew the lease and store counters; returns whether a cancel was asked for."""
        async with self._store.write() as records:
            job = await _held(records, hold)
            time = now()
            for counters in streams:
                stream = await _stream(records, job, counters.index)
                if stream.state not in _WORKING:
                    continue
                sample = Sample(time.timestamp(), counters.rows_read, counters.bytes_read)
                await records.jobs.save_stream(
                    job.id,
                    replace(
                        stream,
                        state=StreamState.RUNNING,
                        rows_read=counters.rows_read,
                        bytes_read=counters.bytes_read,
                        rows_rejected=counters.rows_rejected,
                        estimated_rows=counters.estimated_rows
                        if counters.estimated_rows is not None
                        else stream.estimated_rows,
                        samples=with_sample(stream.samples, sample),
                    ),
                )
            await records.jobs.save(replace(job, seen_time=time))
        self._changes.notify(hold.job)
        return job.cancel_requested

    async def commit(self, hold: Hold, commit: Commit) -> None:
        """Store state and receipt of one commit; storing the same one again changes nothing."""
        async with self._store.write() as records:
            job = await _held(records, hold)
            stream = await _stream(records, job, commit.index)
            if commit.commit_seq == stream.commit_seq and commit.commit_seq > 0:
                await _check_same(records, job, stream, commit)
                return
            if commit.commit_seq != stream.commit_seq + 1:
                raise Conflict(
                    f"commit {commit.commit_seq} of stream {stream.selection.name} does not follow the stored commit "
                    f"{stream.commit_seq}",
                    reason="COMMIT_OUT_OF_ORDER",
                )
            if stream.state not in _WORKING:
                raise Conflict(
                    f"stream {stream.selection.name} takes no more commits: it is {stream.state.name}",
                    reason="STREAM_ENDED",
                )
            time = now()
            await records.jobs.add_commit(
                job.id,
                commit.index,
                commit.commit_seq,
                commit.receipt,
                rows=commit.rows,
                size=commit.size,
                time=time,
            )
            rows, size = stream.rows_committed + commit.rows, stream.bytes_committed + commit.size
            await records.jobs.save_stream(
                job.id,
                replace(
                    stream,
                    state=StreamState.RUNNING,
                    commit_seq=commit.commit_seq,
                    committed_state=commit.state,
                    committed_state_version=commit.state_version,
                    ipc_schema=commit.ipc_schema or stream.ipc_schema,
                    rows_committed=rows,
                    bytes_committed=size,
                    rows_read=max(stream.rows_read, rows),
                    bytes_read=max(stream.bytes_read, size),
                ),
            )
            await records.jobs.save(replace(job, seen_time=time))
        ROWS_COMMITTED.inc(commit.rows)
        BYTES_COMMITTED.inc(commit.size)
        self._changes.notify(hold.job)

    async def reset(self, hold: Hold, index: int, reason: Failure | None) -> tuple[Job, StreamWork]:
        """Forget what this job committed for one stream, and return it as it was at the start of the job."""
        async with self._store.write() as records:
            job = await _held(records, hold)
            stream = await _stream(records, job, index)
            if stream.state not in _WORKING:
                raise Conflict(
                    f"stream {stream.selection.name} cannot start over: it is {stream.state.name}",
                    reason="STREAM_ENDED",
                )
            time = now()
            fresh = replace(
                stream,
                state=StreamState.PENDING,
                commit_seq=0,
                committed_state=b"",
                committed_state_version=0,
                ipc_schema=b"",
                rows_read=0,
                bytes_read=0,
                rows_committed=0,
                bytes_committed=0,
                rows_rejected=0,
                samples=(),
                failure=None,
            )
            await records.jobs.drop_commits(job.id, index)
            await records.jobs.save_stream(job.id, fresh)
            await records.jobs.save(replace(job, seen_time=time))
            attributes = {} if reason is None else {"reason": reason.reason, "why": reason.message}
            await records.logs.append(
                job.id,
                [
                    LogLine(
                        time,
                        LogLevel.WARN,
                        "server",
                        "stream starts over",
                        attributes,
                        stream.selection.name,
                        attempt=hold.epoch,
                    )
                ],
            )
        self._changes.notify(hold.job)
        return job, StreamWork(fresh, ())

    async def schema_changed(self, hold: Hold, index: int, columns: Sequence[ColumnChange]) -> None:
        """Store what changed in the schema of a stream since the run before; the same twice is stored once."""
        if not columns:
            problem = "name at least one column"
            raise Misconfigured("nothing changed", reason="NO_CHANGE", fields={"columns": problem})
        async with self._store.write() as records:
            job = await _held(records, hold)
            stream = await _stream(records, job, index)
            name, policy = stream.selection.name, job.schema_change_policy
            change = SchemaChange(new_id(), job.connection, job.id, name, now(), policy, tuple(columns))
            await records.schema_changes.add(change)
            await records.jobs.save(replace(job, seen_time=change.time))

    async def finish_stream(self, hold: Hold, index: int, failure: Failure | None, ipc_schema: bytes) -> None:
        """Store that a stream was transferred, or why not; a failure that may pass leaves it to the next attempt."""
        async with self._store.write() as records:
            job = await _held(records, hold)
            stream = await _stream(records, job, index)
            state = _state_after(failure)
            if stream.state not in _WORKING:
                if stream.state is state:
                    return
                raise Conflict(f"stream {stream.selection.name} is already {stream.state.name}", reason="STREAM_ENDED")
            await records.jobs.save_stream(
                job.id,
                replace(
                    stream,
                    state=state,
                    failure=failure,
                    ipc_schema=ipc_schema or stream.ipc_schema,
                    samples=(),
                ),
            )
            await records.jobs.save(replace(job, seen_time=now()))
        self._changes.notify(hold.job)

    async def end(self, hold: Hold, failure: Failure | None) -> None:
        """Close an attempt; the job goes on."""
        async with self._store.write() as records:
            job = await _held(records, hold)
            time = now()
            for attempt in await records.jobs.attempts(job.id):
                if attempt.number == hold.epoch:
                    await records.jobs.save_attempt(job.id, replace(attempt, end_time=time, failure=failure))
            for stream in await records.jobs.streams(job.id):
                if stream.state is StreamState.RUNNING:
                    idle = replace(stream, state=StreamState.PENDING, samples=())
                    await records.jobs.save_stream(job.id, idle)
            await records.jobs.save(replace(job, seen_time=time))
            if failure is not None:
                attributes = {"reason": failure.reason, "failure": failure.message}
                line = LogLine(time, LogLevel.WARN, "server", "attempt failed", attributes, attempt=hold.epoch)
                await records.logs.append(job.id, [line])
        self._changes.notify(hold.job)

    async def append_logs(self, job_id: str, lines: Sequence[LogLine], batch_id: str, holder: str) -> None:
        """Append lines in the order given; a batch that was stored before is not stored again.

        Whoever ever held the job may append: the last lines of an attempt come after it was overtaken.
        """
        if len(lines) > _MOST_LINES:
            problem = f"at most {_MOST_LINES} lines a call, there are {len(lines)}"
            raise Misconfigured("too many lines", reason="TOO_MANY_LINES", fields={"lines": problem})
        async with self._store.write() as records:
            job = await _locked(records, job_id)
            if all(attempt.holder != holder for attempt in await records.jobs.attempts(job.id)):
                check_held(job, holder)
            if batch_id and not await records.logs.begin_batch(job.id, batch_id):
                return
            await records.logs.append(job.id, lines)
        self._changes.notify(job_id)

    async def _work(self, records: Records, job: Job) -> Work:
        connection = await _connection_of(records, job)
        receipts = await records.jobs.receipts(job.id)
        streams = [
            StreamWork(stream, receipts.get(stream.index, ()))
            for stream in await records.jobs.streams(job.id)
            if stream.state not in (StreamState.FAILED, StreamState.CANCELLED)
        ]
        reads = job.kind is not JobKind.CLEAR
        return Work(
            job=job,
            source=await _launch(records, Role.SOURCE, connection.source, job.settings.source_limits)
            if reads
            else None,
            destination=await destination_launch(records, job),
            streams=streams,
            lease=self._lease,
        )


async def destination_launch(records: Records, job: Job) -> Launch:
    """Return how to start the destination of a job, its configuration in clear."""
    connection = await _connection_of(records, job)
    return await _launch(records, Role.DESTINATION, connection.destination, job.settings.destination_limits)


async def _connection_of(records: Records, job: Job) -> Connection:
    connection = await records.connections.find(job.connection)
    if connection is None:
        raise no_such(f"connections/{job.connection}")
    return connection


async def _launch(records: Records, role: Role, identifier: str, limits: ContainerLimits) -> Launch:
    endpoint = await records.endpoints(role).find(identifier)
    if endpoint is None:
        raise no_such(f"{role.collection}/{identifier}")
    connector = await records.connectors.find(endpoint.connector)
    if connector is None:
        raise no_such(f"connectors/{endpoint.connector}")
    return launch_of(endpoint, connector, limits)


async def _locked(records: Records, job_id: str) -> Job:
    job = await records.jobs.find(job_id, lock=True)
    if job is None:
        raise no_such(f"jobs/{job_id}")
    return job


async def _check_not_late(records: Records, job: Job, beginning: Beginning) -> None:
    """Raise Fenced when a later try of the same run has begun: whoever comes with this one was frozen, or cut off."""
    newest = max(await records.jobs.attempts(job.id), key=lambda attempt: attempt.number, default=None)
    if newest is None or newest.run_id != beginning.run_id or not beginning.try_number:
        return
    if beginning.try_number < newest.try_number:
        raise Fenced(
            f"try {beginning.try_number} of {job.name} comes late: try {newest.try_number} has begun as attempt "
            f"{newest.number}"
        )


async def _held(records: Records, hold: Hold) -> Job:
    """Return the job, locked, if `hold` is its newest attempt and nothing was decided yet.

    Raises Fenced when another attempt has taken over, NotHeld when another caller made this one.
    """
    job = await _locked(records, hold.job)
    if job.epoch != hold.epoch or job.publish_epoch is not None or job.state.terminal:
        raise Fenced(
            f"attempt {hold.epoch} of {job.name} was overtaken: the newest epoch is {job.epoch}; stop its connectors "
            "and end"
        )
    check_held(job, hold.holder)
    return job


async def _stream(records: Records, job: Job, index: int) -> JobStream:
    stream = await records.jobs.stream(job.id, index)
    if stream is None:
        problem = f"{job.name} has no stream at the position {index}"
        raise Misconfigured(problem, reason="UNKNOWN_STREAM", fields={"stream_index": problem})
    return stream


async def _check_same(records: Records, job: Job, stream: JobStream, commit: Commit) -> None:
    stored = await records.jobs.receipt(job.id, stream.index, commit.commit_seq)
    if stored != commit.receipt:
        raise Conflict(
            f"commit {commit.commit_seq} of stream {stream.selection.name} is stored with another receipt",
            reason="COMMIT_DIFFERS",
        )


def _state_after(failure: Failure | None) -> StreamState:
    if failure is None:
        return StreamState.TRANSFERRED
    if failure.kind is Kind.CANCELLED:
        return StreamState.CANCELLED
    return StreamState.PENDING if failure.retryable else StreamState.FAILED
