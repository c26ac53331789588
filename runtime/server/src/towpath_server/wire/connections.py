"""Connections, selections, schedules, settings and stream states."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from towpath.control.v1 import connections_pb2
from towpath_sdk.errors import Misconfigured

from towpath_server.domain.connection import Connection, SchemaChangePolicy, Settings, StreamPosition
from towpath_server.domain.schedule import Cron, Interval, Schedule
from towpath_server.domain.schema_change import SchemaChange
from towpath_server.domain.selection import WantedStream
from towpath_server.domain.streams import StreamSelection
from towpath_server.use_cases.connections import ConnectionView, WantedConnection
from towpath_server.wire.common import name_from, name_to, read_mode_from, time_to, write_mode_from
from towpath_server.wire.jobs import job_to
from towpath_server.wire.limits import limits_from, limits_to

__all__ = [
    "connection_from",
    "connection_to",
    "duration_to",
    "position_to",
    "schema_change_to",
    "selection_to",
    "settings_to",
]


def connection_from(message: connections_pb2.Connection) -> WantedConnection:
    """Decode what a caller wants; defaults of settings and policy are filled in."""
    return WantedConnection(
        source=message.source,
        destination=message.destination,
        streams=tuple(
            _stream_from(stream, f"connection.streams[{index}]") for index, stream in enumerate(message.streams)
        ),
        schedule=_schedule_from(message.schedule),
        schema_change_policy=_policy_from(message.schema_change_policy),
        settings=_settings_from(message.settings),
        etag=message.etag,
    )


def connection_to(view: ConnectionView) -> connections_pb2.Connection:
    """Encode a connection with its latest job and its next start."""
    connection = view.connection
    return connections_pb2.Connection(
        name=connection.name,
        source=f"sources/{connection.source}",
        destination=f"destinations/{connection.destination}",
        streams=[selection_to(selection) for selection in connection.streams],
        schedule=_schedule_to(connection),
        paused=connection.paused,
        schema_change_policy=f"SCHEMA_CHANGE_POLICY_{connection.schema_change_policy.name}",
        settings=settings_to(connection.settings),
        last_job=None if view.last_job is None else job_to(view.last_job),
        next_run_time=time_to(view.next_run_time),
        create_time=time_to(connection.create_time),
        update_time=time_to(connection.update_time),
        etag=connection.etag,
    )


def selection_to(selection: StreamSelection) -> connections_pb2.ConnectionStream:
    """Encode a selection; both modes are set."""
    return connections_pb2.ConnectionStream(
        name=name_to(selection.name),
        read_mode=f"READ_MODE_{selection.read_mode.name}",
        write_mode=f"WRITE_MODE_{selection.write_mode.name}",
        columns=selection.columns,
        cursor_column=selection.cursor_column,
        primary_key=selection.primary_key,
    )


def settings_to(settings: Settings) -> connections_pb2.ConnectionSettings:
    """Encode settings; every field is set, but for limits that say nothing."""
    return connections_pb2.ConnectionSettings(
        max_parallel_streams=settings.max_parallel_streams,
        commit_bytes=settings.commit_bytes,
        commit_interval=duration_to(settings.commit_interval),
        max_attempts=settings.max_attempts,
        source_limits=limits_to(settings.source_limits),
        destination_limits=limits_to(settings.destination_limits),
    )


def position_to(position: StreamPosition) -> connections_pb2.StreamState:
    """Encode what is known of a stream."""
    return connections_pb2.StreamState(
        name=name_to(position.name),
        state=position.state,
        state_version=position.state_version,
        generation_id=position.generation,
        update_time=time_to(position.update_time),
        etag=position.etag,
    )


def schema_change_to(change: SchemaChange) -> connections_pb2.SchemaChange:
    """Encode what changed in the schema of a stream."""
    return connections_pb2.SchemaChange(
        job=f"jobs/{change.job}",
        stream=name_to(change.stream),
        time=time_to(change.time),
        policy=f"SCHEMA_CHANGE_POLICY_{change.policy.name}",
        columns=[
            connections_pb2.ColumnChange(column=one.column, type_before=one.before, type_after=one.after)
            for one in change.columns
        ],
    )


def duration_to(span: timedelta) -> Duration:
    """Encode a span of time."""
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def _stream_from(message: connections_pb2.ConnectionStream, field: str) -> WantedStream:
    return WantedStream(
        name=name_from(message.name),
        read_mode=read_mode_from(message.read_mode, f"{field}.read_mode"),
        write_mode=write_mode_from(message.write_mode, f"{field}.write_mode"),
        columns=tuple(message.columns),
        cursor_column=message.cursor_column,
        primary_key=tuple(message.primary_key),
    )


def _schedule_from(message: connections_pb2.Schedule) -> Schedule:
    match message.WhichOneof("timing"):
        case "interval":
            return Interval(_span_from(message.interval, "connection.schedule.interval"))
        case "cron":
            return Cron(message.cron.expression, message.cron.time_zone)
        case _:
            return None


def _schedule_to(connection: Connection) -> connections_pb2.Schedule:
    match connection.schedule:
        case Interval(every):
            return connections_pb2.Schedule(interval=duration_to(every))
        case Cron(expression, time_zone):
            cron = connections_pb2.CronSchedule(expression=expression, time_zone=time_zone)
            return connections_pb2.Schedule(cron=cron)
        case None:
            return connections_pb2.Schedule()


def _policy_from(value: int) -> SchemaChangePolicy:
    if not value:
        return SchemaChangePolicy.PROPAGATE
    try:
        return SchemaChangePolicy(value)
    except ValueError as error:
        field = "connection.schema_change_policy"
        raise Misconfigured("unknown policy", reason="UNKNOWN_POLICY", fields={field: f"{value} is unknown"}) from error


def _settings_from(message: connections_pb2.ConnectionSettings) -> Settings:
    usual = Settings()
    return Settings(
        max_parallel_streams=message.max_parallel_streams or usual.max_parallel_streams,
        commit_bytes=message.commit_bytes or usual.commit_bytes,
        commit_interval=_span_from(message.commit_interval, "connection.settings.commit_interval")
        if message.HasField("commit_interval")
        else usual.commit_interval,
        max_attempts=message.max_attempts or usual.max_attempts,
        source_limits=limits_from(message.source_limits),
        destination_limits=limits_from(message.destination_limits),
    )


def _span_from(duration: Duration, field: str) -> timedelta:
    try:
        return duration.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise Misconfigured("not a duration", reason="INVALID_DURATION", fields={field: "out of range"}) from error
