"""Jobs, attempts and log lines in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from rich.console import RenderableType
from rich.text import Text
from towpath.connector.v1.types_pb2 import LogEntry
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Attempt, Job, LogLine, StreamProgress

from towpath_cli.names import short_name, stream_text
from towpath_cli.render.listing import Cell, details, listing, stacked
from towpath_cli.render.times import moment, span
from towpath_cli.units import bytes_text, count_text

__all__ = ["failure_text", "job_details", "job_kind", "job_state", "jobs", "log_line", "outcome", "stream_state"]

_JOB_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "cancelling": "yellow", "running": "cyan"}
_LEVEL_STYLES = {LogEntry.LEVEL_ERROR: "red", LogEntry.LEVEL_WARN: "yellow", LogEntry.LEVEL_DEBUG: "dim"}


def jobs(found: Sequence[Job]) -> RenderableType:
    """List jobs, newest first."""
    rows: list[tuple[Cell, ...]] = [
        (
            short_name(job.name),
            short_name(job.connection),
            job_kind(job.kind),
            job_state(job.state),
            job.trigger,
            count_text(job.total.rows_committed),
            moment(job.create_time),
            span(job.start_time, job.end_time),
            job.failure.message.partition("\n")[0],
        )
        for job in found
    ]
    return listing(
        ("JOB", "CONNECTION", "KIND", "STATE", "TRIGGER", "ROWS", "CREATED", "TOOK", "FAILURE"),
        rows,
        empty="no jobs; start one with `towpath sync CONNECTION`",
        right=("ROWS",),
    )


def job_details(job: Job) -> RenderableType:
    """Show a job, its attempts and its streams."""
    attempts = [
        (str(attempt.number), attempt.worker, moment(attempt.start_time), _took(attempt), failure_text(attempt.failure))
        for attempt in job.attempts
    ]
    streams: list[tuple[Cell, ...]] = [
        (
            stream_text(stream.name),
            stream_state(stream.state),
            count_text(stream.progress.rows_read),
            count_text(stream.progress.rows_committed),
            bytes_text(stream.progress.bytes_committed),
            count_text(stream.progress.commits),
            str(stream.generation_id),
            failure_text(stream.failure),
        )
        for stream in job.streams
    ]
    return stacked(
        details(
            [
                ("Name", job.name),
                ("Connection", job.connection),
                ("Kind", job_kind(job.kind)),
                ("State", job_state(job.state)),
                ("Trigger", job.trigger),
                ("Rows", f"{count_text(job.total.rows_committed)} committed, {count_text(job.total.rows_read)} read"),
                ("Bytes", bytes_text(job.total.bytes_committed)),
                ("Rejected", count_text(job.total.rows_rejected) if job.total.rows_rejected else ""),
                ("Created", moment(job.create_time)),
                ("Took", span(job.start_time, job.end_time)),
                ("Failure", failure_text(job.failure)),
            ]
        ),
        listing(
            ("ATTEMPT", "WORKER", "STARTED", "TOOK", "FAILURE"), attempts, empty="no attempt yet", right=("ATTEMPT",)
        ),
        listing(
            ("STREAM", "STATE", "READ", "COMMITTED", "BYTES", "COMMITS", "GENERATION", "FAILURE"),
            streams,
            empty="no streams yet",
            right=("READ", "COMMITTED", "BYTES", "COMMITS", "GENERATION"),
        ),
    )


def outcome(job: Job) -> str:
    """Sum a job that has ended up in one line."""
    total = job.total
    moved = f"{count_text(total.rows_committed)} rows, {bytes_text(total.bytes_committed)}"
    failed = sum(1 for stream in job.streams if stream.state == StreamProgress.STATE_FAILED)
    streams = f"{len(job.streams)} streams" + (f", {failed} of them failed" if failed else "")
    took = span(job.start_time, job.end_time) or "0s"
    text = f"{short_name(job.name)} {job_state(job.state)} in {took}: {moved}, {streams}"
    return f"{text}: {failure_text(job.failure)}" if job.HasField("failure") else text


def job_state(state: Job.State) -> Text:
    """Return the word for a state, in its colour."""
    word = Job.State.Name(state).removeprefix("STATE_").lower()
    return Text(word, style=_JOB_STYLES.get(word, ""))


def stream_state(state: StreamProgress.State) -> Text:
    """Return the word for a stream's state, in its colour."""
    word = StreamProgress.State.Name(state).removeprefix("STATE_").lower()
    return Text(word, style=_JOB_STYLES.get(word, ""))


def job_kind(kind: Job.Kind) -> str:
    """Return the word for what a job does."""
    return Job.Kind.Name(kind).removeprefix("KIND_").lower()


def failure_text(failure: Failure) -> str:
    """Say what failed, where; empty when nothing did."""
    if not failure.message and not failure.reason:
        return ""
    return (
        f"{failure.origin}: {failure.message or failure.reason}"
        if failure.origin
        else failure.message or failure.reason
    )


def log_line(line: LogLine) -> Text:
    """Return one line of a log: time, level, origin, stream, message, attributes."""
    level = LogEntry.Level.Name(line.level).removeprefix("LEVEL_")
    when = line.time.ToDatetime(tzinfo=UTC).astimezone()
    text = Text(f"{when:%H:%M:%S}.{when.microsecond // 1000:03d} ", style="dim")
    text.append(f"{level if level != 'UNSPECIFIED' else 'INFO':5} ", style=_LEVEL_STYLES.get(line.level, ""))
    text.append(f"{line.origin:11} ", style="bold")
    if line.HasField("stream"):
        text.append(f"{stream_text(line.stream)} ", style="cyan")
    text.append(line.message, style="")
    for key in sorted(line.attributes):
        text.append(f" {key}={line.attributes[key]}", style="dim")
    return text


def _took(attempt: Attempt) -> str:
    return span(attempt.start_time, attempt.end_time) if attempt.end_time.seconds else ""
