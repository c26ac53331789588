"""Connections, their streams, schedules and states in words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from towpath.connector.v1.destination_pb2 import ColumnPlan
from towpath.connector.v1.types_pb2 import ReadMode, WriteMode
from towpath.control.v1.connections_pb2 import (
    ColumnChange,
    Connection,
    Schedule,
    SchemaChange,
    StreamPlan,
    StreamState,
)

from towpath_cli.limits import limits_text
from towpath_cli.names import short_name, stream_text
from towpath_cli.render.jobs import job_state
from towpath_cli.render.listing import Cell, details, listing, stacked
from towpath_cli.render.times import moment
from towpath_cli.units import bytes_text, count_text, duration_text

__all__ = [
    "connection_details",
    "connections",
    "read_mode",
    "schedule_text",
    "schema_changes",
    "stream_plans",
    "stream_states",
    "write_mode",
]


def connections(found: Sequence[Connection]) -> RenderableType:
    """List connections with their latest job."""
    rows: list[tuple[Cell, ...]] = [
        (
            short_name(one.name),
            short_name(one.source),
            short_name(one.destination),
            str(len(one.streams)),
            schedule_text(one.schedule) + (" (paused)" if one.paused else ""),
            job_state(one.last_job.state) if one.HasField("last_job") else "",
            moment(one.last_job.create_time) if one.HasField("last_job") else "",
        )
        for one in found
    ]
    return listing(
        ("NAME", "SOURCE", "DESTINATION", "STREAMS", "SCHEDULE", "LAST JOB", "STARTED"),
        rows,
        empty="no connections; see `towpath connections create --help`",
        right=("STREAMS",),
    )


def stream_plans(plans: Sequence[StreamPlan]) -> RenderableType:
    """List where the rows of streams would be found, and below them the columns that are not stored as they are."""
    places = [
        (stream_text(plan.name), plan.failure.message if plan.HasField("failure") else plan.location or "not told")
        for plan in plans
    ]
    columns = [
        (
            stream_text(plan.name),
            column.column,
            ColumnPlan.Fit.Name(column.fit).removeprefix("FIT_").lower().replace("_", " "),
            column.reason,
        )
        for plan in plans
        for column in plan.columns
    ]
    table = listing(("STREAM", "LOCATION"), places, empty="the connection has no streams")
    return stacked(
        table, listing(("STREAM", "COLUMN", "FIT", "REASON"), columns, empty="every column is stored as it is")
    )


def connection_details(one: Connection) -> RenderableType:
    """Show a connection and its streams."""
    settings = one.settings
    rows = [
        (
            stream_text(stream.name),
            read_mode(stream.read_mode),
            write_mode(stream.write_mode),
            stream.cursor_column,
            ", ".join(stream.primary_key),
            ", ".join(stream.columns) or "all",
        )
        for stream in one.streams
    ]
    policy = Connection.SchemaChangePolicy.Name(one.schema_change_policy).removeprefix("SCHEMA_CHANGE_POLICY_").lower()
    return stacked(
        details(
            [
                ("Name", one.name),
                ("Source", one.source),
                ("Destination", one.destination),
                ("Schedule", schedule_text(one.schedule) + (" (paused)" if one.paused else "")),
                ("Next run", moment(one.next_run_time)),
                ("Schema changes", policy if policy != "unspecified" else "propagate"),
                (
                    "Parallel streams",
                    count_text(settings.max_parallel_streams) if settings.max_parallel_streams else "",
                ),
                ("Commit", _commit(one)),
                ("Attempts", count_text(settings.max_attempts) if settings.max_attempts else ""),
                ("Limits of source", limits_text(settings.source_limits)),
                ("Limits of destination", limits_text(settings.destination_limits)),
                ("Last job", _last_job(one)),
                ("Created", moment(one.create_time)),
                ("Changed", moment(one.update_time)),
            ]
        ),
        listing(("STREAM", "READ", "WRITE", "CURSOR", "KEY", "COLUMNS"), rows, empty="no streams"),
    )


def stream_states(states: Sequence[StreamState]) -> RenderableType:
    """List where each stream stands."""
    rows = [
        (
            stream_text(state.name),
            count_text(state.generation_id),
            _state_text(state),
            moment(state.update_time),
        )
        for state in states
    ]
    return listing(
        ("STREAM", "GENERATION", "STATE", "STORED"), rows, empty="no stream has run yet", right=("GENERATION",)
    )


def schema_changes(changes: Sequence[SchemaChange]) -> RenderableType:
    """List what changed in the schemas of streams."""
    rows = [
        (
            moment(change.time),
            stream_text(change.stream),
            "; ".join(_column_text(column) for column in change.columns),
            "stopped" if change.policy == Connection.SCHEMA_CHANGE_POLICY_FAIL else "delivered",
            short_name(change.job),
        )
        for change in changes
    ]
    return listing(("FOUND", "STREAM", "CHANGED", "DONE", "JOB"), rows, empty="no schema has changed yet")


def schedule_text(schedule: Schedule) -> str:
    """Say when jobs start."""
    timing = schedule.WhichOneof("timing")
    if timing == "interval":
        return f"every {duration_text(schedule.interval.ToTimedelta())}"
    if timing == "cron":
        return f"cron `{schedule.cron.expression}` {schedule.cron.time_zone or 'UTC'}"
    return "manual"


def read_mode(mode: ReadMode) -> str:
    """Return the word for a read mode; empty when it is not set."""
    return "" if not mode else ReadMode.Name(mode).removeprefix("READ_MODE_").lower()


def write_mode(mode: WriteMode) -> str:
    """Return the word for a write mode; empty when it is not set."""
    return "" if not mode else WriteMode.Name(mode).removeprefix("WRITE_MODE_").lower()


def _commit(one: Connection) -> str:
    settings = one.settings
    parts = [bytes_text(settings.commit_bytes)] if settings.commit_bytes else []
    if settings.HasField("commit_interval"):
        parts.append(duration_text(settings.commit_interval.ToTimedelta()))
    return f"every {' or '.join(parts)}" if parts else ""


def _last_job(one: Connection) -> str:
    if not one.HasField("last_job"):
        return "none yet"
    return f"{one.last_job.name} {job_state(one.last_job.state)} {moment(one.last_job.create_time)}"


def _column_text(change: ColumnChange) -> str:
    if not change.type_before:
        return f"+{change.column} {change.type_after}"
    if not change.type_after:
        return f"-{change.column} {change.type_before}"
    return f"{change.column} {change.type_before} -> {change.type_after}"


def _state_text(state: StreamState, limit: int = 80) -> str:
    if not state.state:
        return "(from the start)"
    text = state.state.decode("utf-8", errors="replace")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
