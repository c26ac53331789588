"""Jobs, attempts, progress and log lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from towpath.control.v1 import jobs_pb2

from towpath_server.domain.job import Attempt, CommitMark, Job, JobStream, JobView, Totals
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.domain.rates import rates
from towpath_server.wire.common import failure_to, name_from, name_to, time_from, time_to

__all__ = ["job_to", "line_from", "line_to", "listed_to", "progress_to", "view_to"]

_MOST_MESSAGE_CHARACTERS = 16 * 1024
_MOST_ATTRIBUTES = 64
_MOST_NAME_CHARACTERS = 256
_MOST_VALUE_CHARACTERS = 4 * 1024


def job_to(job: Job) -> jobs_pb2.Job:
    """Encode a job without attempts and streams."""
    return jobs_pb2.Job(
        name=job.name,
        connection=f"connections/{job.connection}",
        kind=f"KIND_{job.kind.name}",
        state=f"STATE_{job.state.name}",
        trigger=job.trigger.value,
        failure=failure_to(job.failure),
        create_time=time_to(job.create_time),
        start_time=time_to(job.start_time),
        end_time=time_to(job.end_time),
    )


def listed_to(job: Job, totals: Totals) -> jobs_pb2.Job:
    """Encode a job with its sums; it has no rates, which are for those who watch it."""
    message = job_to(job)
    message.total.CopyFrom(jobs_pb2.Progress(**asdict(totals)))
    return message


def view_to(view: JobView, now: datetime) -> jobs_pb2.Job:
    """Encode a job with attempts, streams and sums; rates are those of `now`."""
    message = job_to(view.job)
    message.attempts.extend(_attempt_to(attempt) for attempt in view.attempts)
    message.streams.extend(_stream_to(stream, view.commits.get(stream.index, ()), now) for stream in view.streams)
    message.total.CopyFrom(_sum([stream.progress for stream in message.streams]))
    return message


def progress_to(stream: JobStream, now: datetime) -> jobs_pb2.Progress:
    """Encode the counters of a stream; rates are those of `now`."""
    rows, size = rates(stream.samples, now)
    return jobs_pb2.Progress(
        rows_read=stream.rows_read,
        bytes_read=stream.bytes_read,
        rows_committed=stream.rows_committed,
        bytes_committed=stream.bytes_committed,
        commits=stream.commit_seq,
        rows_per_second=rows,
        bytes_per_second=size,
        rows_rejected=stream.rows_rejected,
    )


def line_to(line: LogLine) -> jobs_pb2.LogLine:
    """Encode a log line."""
    return jobs_pb2.LogLine(
        seq=line.seq,
        time=time_to(line.time),
        level=int(line.level),  # pyright: ignore[reportArgumentType]  # the same numbers
        origin=line.origin,
        message=line.message,
        attributes=line.attributes or None,
        stream=None if line.stream is None else name_to(line.stream),
        attempt=line.attempt,
    )


def line_from(line: jobs_pb2.LogLine, now: datetime) -> LogLine:
    """Decode a log line; one without a valid time is of `now`, one without a level is INFO.

    What is longer than a line of a log should be is cut: the message at 16 Ki characters, an attribute at 4 Ki, and
    there are at most 64 attributes.
    """
    levels = {int(level): level for level in LogLevel}
    return LogLine(
        time=_time_of(line, now),
        level=levels.get(line.level, LogLevel.INFO),
        origin=line.origin[:32] or "worker",
        message=line.message[:_MOST_MESSAGE_CHARACTERS],
        attributes={
            name[:_MOST_NAME_CHARACTERS]: value[:_MOST_VALUE_CHARACTERS]
            for name, value in sorted(line.attributes.items())[:_MOST_ATTRIBUTES]
        },
        stream=name_from(line.stream) if line.HasField("stream") else None,
        attempt=line.attempt,
    )


def _time_of(line: jobs_pb2.LogLine, now: datetime) -> datetime:
    try:
        return time_from(line.time) if line.HasField("time") else now
    except (ValueError, OverflowError):
        # What a connector logs must not be lost for its clock.
        return now


def _attempt_to(attempt: Attempt) -> jobs_pb2.Attempt:
    return jobs_pb2.Attempt(
        number=attempt.number,
        worker=attempt.worker,
        start_time=time_to(attempt.start_time),
        end_time=time_to(attempt.end_time),
        failure=failure_to(attempt.failure),
    )


def _stream_to(stream: JobStream, commits: Sequence[CommitMark], now: datetime) -> jobs_pb2.StreamProgress:
    return jobs_pb2.StreamProgress(
        name=name_to(stream.selection.name),
        state=f"STATE_{stream.state.name}",
        progress=progress_to(stream, now),
        estimated_rows=stream.estimated_rows,
        failure=failure_to(stream.failure),
        generation_id=stream.generation,
        recent_commits=[jobs_pb2.CommitMark(rows=mark.rows, time=time_to(mark.time)) for mark in commits],
    )


def _sum(parts: Sequence[jobs_pb2.Progress]) -> jobs_pb2.Progress:
    return jobs_pb2.Progress(
        rows_read=sum(part.rows_read for part in parts),
        bytes_read=sum(part.bytes_read for part in parts),
        rows_committed=sum(part.rows_committed for part in parts),
        bytes_committed=sum(part.bytes_committed for part in parts),
        commits=sum(part.commits for part in parts),
        rows_per_second=sum(part.rows_per_second for part in parts),
        bytes_per_second=sum(part.bytes_per_second for part in parts),
        rows_rejected=sum(part.rows_rejected for part in parts),
    )
