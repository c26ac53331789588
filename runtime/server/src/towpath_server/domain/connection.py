"""Connections: which streams go from a source to a destination, how, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.limits import UNLIMITED, ContainerLimits, checked_limits
from towpath_server.domain.schedule import Schedule
from towpath_server.domain.streams import StreamName, StreamSelection

__all__ = ["Connection", "SchemaChangePolicy", "Settings", "StreamPosition", "checked_settings"]

_MOST_PARALLEL = 64
_MOST_ATTEMPTS = 1000
_LONGEST_COMMIT_INTERVAL = timedelta(days=1)


class SchemaChangePolicy(IntEnum):
    """What to do about drift; the numbers are those of the wire."""

    PROPAGATE = 1
    FAIL = 2


@dataclass(frozen=True)
class Settings:
    """How jobs run, every default filled in."""

    max_parallel_streams: int = 4
    commit_bytes: int = 256 * 1024 * 1024
    commit_interval: timedelta = timedelta(seconds=60)
    max_attempts: int = 5
    source_limits: ContainerLimits = UNLIMITED
    destination_limits: ContainerLimits = UNLIMITED


@dataclass(frozen=True)
class Connection:
    """One connection. `source`, `destination` and `id` are ids, not resource names; times are UTC.

    `schedule_version` increases whenever Temporal has to be told something new.
    """

    id: str
    source: str
    destination: str
    streams: tuple[StreamSelection, ...]
    schedule: Schedule
    paused: bool
    schema_change_policy: SchemaChangePolicy
    settings: Settings
    etag: str
    create_time: datetime
    update_time: datetime
    schedule_version: int = 1

    @property
    def name(self) -> str:
        """Resource name."""
        return f"connections/{self.id}"


@dataclass(frozen=True)
class StreamPosition:
    """What the platform knows of a stream between jobs.

    `generation` is what the destination holds or, while `minimum_generation` equals it, what is to be written before
    the older ones go away. `state` is empty when the next run starts from the start.
    """

    name: StreamName
    state: bytes
    state_version: int
    generation: int
    minimum_generation: int
    ipc_schema: bytes
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with the position."""
        told = (self.generation, self.state_version, self.update_time.isoformat())
        return sha256(repr(told).encode() + self.state).hexdigest()[:16]


def checked_settings(settings: Settings) -> Settings:
    """Return `settings` if every value is in its range; raises Misconfigured naming those that are not."""
    fields: dict[str, str] = {}
    if settings.max_parallel_streams > _MOST_PARALLEL:
        fields["connection.settings.max_parallel_streams"] = f"at most {_MOST_PARALLEL}"
    if settings.max_attempts > _MOST_ATTEMPTS:
        fields["connection.settings.max_attempts"] = f"at most {_MOST_ATTEMPTS}"
    if not timedelta(0) < settings.commit_interval <= _LONGEST_COMMIT_INTERVAL:
        fields["connection.settings.commit_interval"] = "more than zero and at most one day"
    if settings.commit_bytes >= 1 << 63:
        fields["connection.settings.commit_bytes"] = "below 2^63"
    if fields:
        raise Misconfigured("the settings are out of range", reason="INVALID_SETTINGS", fields=fields)
    checked_limits(settings.source_limits, "connection.settings.source_limits")
    checked_limits(settings.destination_limits, "connection.settings.destination_limits")
    return settings
