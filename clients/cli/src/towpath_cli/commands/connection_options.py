"""Options of `connections create` and `connections update`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from google.protobuf.duration_pb2 import Duration
from towpath.connector.v1.types_pb2 import ReadMode, WriteMode
from towpath.control.v1.connections_pb2 import Connection, ConnectionStream, CronSchedule, Schedule
from towpath_sdk.errors import Misconfigured

from towpath_cli.limits import parse_limits
from towpath_cli.names import parse_stream
from towpath_cli.units import parse_bytes, parse_duration

__all__ = ["STREAM_OPTION", "ConnectionChoice", "connection_options", "parse_stream_option"]

R = TypeVar("R")

_READ_MODES = {
    "snapshot": ReadMode.READ_MODE_SNAPSHOT,
    "incremental": ReadMode.READ_MODE_INCREMENTAL,
    "changes": ReadMode.READ_MODE_CHANGES,
}
_WRITE_MODES = {
    "append": WriteMode.WRITE_MODE_APPEND,
    "overwrite": WriteMode.WRITE_MODE_OVERWRITE,
    "dedup": WriteMode.WRITE_MODE_DEDUP,
}
STREAM_OPTION = click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="STREAM[,KEY=VALUE…]",
    help="Select a stream; keys are read, write, cursor, columns=a|b, key=a|b. Repeatable.",
)
_KEYS = ("read", "write", "cursor", "columns", "key")


@dataclass(frozen=True)
class ConnectionChoice:
    """What was given on the command line; None where nothing was."""

    streams: Sequence[str]
    every: str | None
    cron: str | None
    time_zone: str | None
    manual: bool
    schema_change: str | None
    parallel: int | None
    commit_bytes: str | None
    commit_interval: str | None
    max_attempts: int | None
    source_limits: str | None
    destination_limits: str | None

    def apply(self, connection: Connection) -> list[str]:
        """Change `connection` and return the paths of the fields that were given. Raises Misconfigured."""
        paths: list[str] = []
        if self.streams:
            del connection.streams[:]
            connection.streams.extend(parse_stream_option(text) for text in self.streams)
            paths.append("streams")
        schedule = self._schedule()
        if schedule is not None:
            connection.schedule.CopyFrom(schedule)
            paths.append("schedule")
        if self.schema_change is not None:
            connection.schema_change_policy = _POLICIES[self.schema_change]
            paths.append("schema_change_policy")
        if self._apply_settings(connection):
            paths.append("settings")
        return paths

    def _schedule(self) -> Schedule | None:
        if sum((self.every is not None, self.cron is not None, self.manual)) > 1:
            raise Misconfigured("give one of --every, --cron and --manual")
        if self.time_zone is not None and self.cron is None:
            raise Misconfigured("--time-zone belongs to --cron")
        if self.every is not None:
            interval = Duration()
            interval.FromTimedelta(parse_duration(self.every))
            return Schedule(interval=interval)
        if self.cron is not None:
            return Schedule(cron=CronSchedule(expression=self.cron, time_zone=self.time_zone or ""))
        return Schedule() if self.manual else None

    def _apply_settings(self, connection: Connection) -> bool:
        settings = connection.settings
        if self.parallel is not None:
            settings.max_parallel_streams = self.parallel
        if self.commit_bytes is not None:
            settings.commit_bytes = parse_bytes(self.commit_bytes)
        if self.commit_interval is not None:
            settings.commit_interval.FromTimedelta(parse_duration(self.commit_interval))
        if self.max_attempts is not None:
            settings.max_attempts = self.max_attempts
        if self.source_limits is not None:
            settings.source_limits.CopyFrom(parse_limits(self.source_limits))
        if self.destination_limits is not None:
            settings.destination_limits.CopyFrom(parse_limits(self.destination_limits))
        given = (
            self.parallel,
            self.commit_bytes,
            self.commit_interval,
            self.max_attempts,
            self.source_limits,
            self.destination_limits,
        )
        return any(value is not None for value in given)


_POLICIES = {
    "propagate": Connection.SCHEMA_CHANGE_POLICY_PROPAGATE,
    "fail": Connection.SCHEMA_CHANGE_POLICY_FAIL,
}


def connection_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options, and hand them to the command as `choice`."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> R:
        given = {name: kwargs.pop(name) for name in ConnectionChoice.__dataclass_fields__}
        return command(*args, choice=ConnectionChoice(**given), **kwargs)

    options = (
        STREAM_OPTION,
        click.option("--every", metavar="DURATION", help="Run every so often, such as 15m or 1h30m."),
        click.option("--cron", metavar="EXPRESSION", help="Run by the calendar, such as '0 3 * * *' or @daily."),
        click.option("--time-zone", metavar="ZONE", help="Zone of --cron, such as Europe/Amsterdam; by default UTC."),
        click.option("--manual", is_flag=True, help="Run only on request."),
        click.option("--schema-change", type=click.Choice(list(_POLICIES)), help="What to do when a schema changes."),
        click.option("--parallel", type=click.IntRange(1, 64), metavar="N", help="Streams moved at the same time."),
        click.option("--commit-bytes", metavar="SIZE", help="Commit after so many bytes of a stream, such as 64MiB."),
        click.option("--commit-interval", metavar="DURATION", help="Commit at least so often, such as 30s."),
        click.option("--max-attempts", type=click.IntRange(1), metavar="N", help="Attempts before a job fails."),
        click.option("--source-limits", metavar="WORD=VALUE,…",
                     help="What the source's container may use: memory=512MiB, cpus=0.5, processes=, temporary=."),
        click.option("--destination-limits", metavar="WORD=VALUE,…", help="The same of the destination's container."),
    )  # fmt: skip
    wrapped: Callable[..., R] = run
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def _word(text: str, words: Iterable[str]) -> str:
    if text.lower() not in words:
        raise Misconfigured(f"`{text}` is no mode; choose one of: {', '.join(words)}")
    return text.lower()


def parse_stream_option(text: str) -> ConnectionStream:
    """Read `NAME,KEY=VALUE…`. Raises Misconfigured."""
    name, *assignments = text.split(",")
    stream = ConnectionStream(name=parse_stream(name))
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if key not in _KEYS or not equals or not value:
            raise Misconfigured(f"`{assignment}` in --stream {name}: write KEY=VALUE with one of: {', '.join(_KEYS)}")
        if key == "read":
            stream.read_mode = _READ_MODES[_word(value, _READ_MODES)]
        elif key == "write":
            stream.write_mode = _WRITE_MODES[_word(value, _WRITE_MODES)]
        elif key == "cursor":
            stream.cursor_column = value
        elif key == "columns":
            stream.columns.extend(value.split("|"))
        else:
            stream.primary_key.extend(value.split("|"))
    return stream
