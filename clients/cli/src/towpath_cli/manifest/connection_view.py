"""Connections as flat fields, so that two of them can be compared, and from entries of a file."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from towpath.connector.v1.types_pb2 import ReadMode, StreamName, WriteMode
from towpath.control.v1.connections_pb2 import Connection, ConnectionStream, CronSchedule, Schedule

from towpath_cli.limits import limits_of, limits_text
from towpath_cli.manifest.entries import ConnectionEntry, ScheduleEntry, SettingsEntry, StreamEntry
from towpath_cli.names import parse_stream, resource_name, stream_text
from towpath_cli.units import bytes_text, duration_text, parse_duration

__all__ = ["changed_paths", "connection_fields", "with_entry"]

_POLICIES = {
    "propagate": Connection.SCHEMA_CHANGE_POLICY_PROPAGATE,
    "fail": Connection.SCHEMA_CHANGE_POLICY_FAIL,
}
_POLICY_WORDS = {number: word for word, number in _POLICIES.items()}


def with_entry(present: Connection | None, entry: ConnectionEntry) -> Connection:
    """Return the connection that `entry` asks for: `present`, or an empty one, with what the entry says."""
    wanted = Connection()
    if present is not None:
        wanted.CopyFrom(present)
    wanted.source = resource_name("sources", entry.source)
    wanted.destination = resource_name("destinations", entry.destination)
    if entry.streams is not None:
        del wanted.streams[:]
        wanted.streams.extend(_stream(stream) for stream in entry.streams)
    if entry.schedule is not None:
        wanted.schedule.CopyFrom(_schedule(entry.schedule))
    if entry.schema_change is not None:
        wanted.schema_change_policy = _POLICIES[entry.schema_change]
    if entry.settings is not None:
        _set_settings(wanted, entry.settings)
    return wanted


def changed_paths(fields: list[str]) -> list[str]:
    """Return the update mask for changed fields as `connection_fields` names them."""
    paths = {"schema_change": "schema_change_policy"}
    tops = [field.partition(".")[0].partition("[")[0] for field in fields]
    return sorted({paths.get(top, top) for top in tops})


def connection_fields(connection: Connection) -> dict[str, str]:
    """Return everything that a file can say of a connection, as text by path; what is not set is left out."""
    settings = connection.settings
    fields = {
        "source": connection.source,
        "destination": connection.destination,
        "schedule": _schedule_text(connection.schedule),
        "schema_change": _POLICY_WORDS.get(connection.schema_change_policy, ""),
        "settings.max_parallel_streams": str(settings.max_parallel_streams or ""),
        "settings.commit_bytes": bytes_text(settings.commit_bytes) if settings.commit_bytes else "",
        "settings.commit_interval": duration_text(settings.commit_interval.ToTimedelta())
        if settings.HasField("commit_interval")
        else "",
        "settings.max_attempts": str(settings.max_attempts or ""),
        "settings.source_limits": limits_text(settings.source_limits),
        "settings.destination_limits": limits_text(settings.destination_limits),
    }
    for stream in connection.streams:
        at = f"streams[{stream_text(stream.name)}]"
        fields[f"{at}.read"] = ReadMode.Name(stream.read_mode).removeprefix("READ_MODE_").lower()
        fields[f"{at}.write"] = WriteMode.Name(stream.write_mode).removeprefix("WRITE_MODE_").lower()
        fields[f"{at}.cursor"] = stream.cursor_column
        fields[f"{at}.columns"] = ", ".join(stream.columns)
        fields[f"{at}.primary_key"] = ", ".join(stream.primary_key)
    return {path: text for path, text in fields.items() if text}


def _stream(entry: StreamEntry) -> ConnectionStream:
    """Fill the modes in as the server does, so that a file that leaves them out compares equal."""
    if entry.namespace is None:
        name = parse_stream(entry.name)
    else:
        name = StreamName(namespace=entry.namespace, name=entry.name)
    usual = "overwrite" if entry.read == "snapshot" else "append"
    return ConnectionStream(
        name=name,
        read_mode=f"READ_MODE_{entry.read.upper()}",
        write_mode=f"WRITE_MODE_{(entry.write or usual).upper()}",
        columns=entry.columns,
        cursor_column=entry.cursor,
        primary_key=entry.primary_key,
    )


def _schedule(entry: ScheduleEntry) -> Schedule:
    if entry.every is not None:
        interval = Duration()
        interval.FromTimedelta(parse_duration(entry.every))
        return Schedule(interval=interval)
    if entry.cron is not None:
        return Schedule(cron=CronSchedule(expression=entry.cron, time_zone=entry.time_zone))
    return Schedule()


def _schedule_text(schedule: Schedule) -> str:
    timing = schedule.WhichOneof("timing")
    if timing == "interval":
        return f"every {duration_text(timedelta(seconds=schedule.interval.seconds))}"
    if timing == "cron":
        return f"cron {schedule.cron.expression} {schedule.cron.time_zone or 'UTC'}"
    return "manual"


def _set_settings(connection: Connection, entry: SettingsEntry) -> None:
    settings = connection.settings
    if entry.max_parallel_streams is not None:
        settings.max_parallel_streams = entry.max_parallel_streams
    if entry.commit_bytes is not None:
        settings.commit_bytes = int(entry.commit_bytes)
    if entry.commit_interval is not None:
        settings.commit_interval.FromTimedelta(parse_duration(entry.commit_interval))
    if entry.max_attempts is not None:
        settings.max_attempts = entry.max_attempts
    if entry.source_limits is not None:
        settings.source_limits.CopyFrom(limits_of(entry.source_limits.model_dump()))
    if entry.destination_limits is not None:
        settings.destination_limits.CopyFrom(limits_of(entry.destination_limits.model_dump()))
