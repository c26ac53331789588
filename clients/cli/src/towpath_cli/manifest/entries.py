"""The shape of a pipeline file's entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from towpath_sdk.errors import TowpathError

from towpath_cli.limits import limits_of
from towpath_cli.units import parse_bytes, parse_duration

__all__ = [
    "ConnectionEntry",
    "ConnectorEntry",
    "DestinationEntry",
    "Entry",
    "LimitsEntry",
    "ScheduleEntry",
    "SettingsEntry",
    "SourceEntry",
    "StreamEntry",
]


T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _checked(parse: Callable[[], T]) -> T:
    """Run a parser within pydantic, which expects ValueError."""
    try:
        return parse()
    except TowpathError as error:
        raise ValueError(error.message) from error


Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""1 to 63 lower-case letters, digits and hyphens, starting with a letter."""


class LimitsEntry(_Strict):
    """What a container may use; sizes such as `512MiB`. What is left out is somebody else's to decide."""

    memory: int | str = 0
    cpus: float = 0
    processes: int = 0
    temporary: int | str = 0

    @model_validator(mode="after")
    def _readable(self) -> LimitsEntry:
        _checked(lambda: limits_of(self.model_dump()))
        return self


class ConnectorEntry(_Strict):
    """A connector: the command that starts it, or the image, with what its containers may use."""

    name: Id
    command: list[str] = Field(default_factory=list)
    image: str = ""
    limits: LimitsEntry = LimitsEntry()

    @model_validator(mode="after")
    def _one_of_both(self) -> ConnectorEntry:
        if bool(self.command) == bool(self.image):
            raise ValueError("give `command` or `image`")
        return self


class SourceEntry(_Strict):
    """A source; `config` replaces the whole stored configuration."""

    name: Id
    connector: str
    config: dict[str, Any] = Field(default_factory=dict)


class DestinationEntry(_Strict):
    """A destination; `config` replaces the whole stored configuration."""

    name: Id
    connector: str
    config: dict[str, Any] = Field(default_factory=dict)


class StreamEntry(_Strict):
    """A stream: its name alone, or with how to read and write it. `namespace` is only needed when the name has dots."""

    name: str = Field(min_length=1)
    namespace: str | None = None
    read: Literal["snapshot", "incremental", "changes"] = "snapshot"
    write: Literal["append", "overwrite", "dedup"] | None = None
    cursor: str = ""
    columns: list[str] = Field(default_factory=list)
    primary_key: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class ScheduleEntry(_Strict):
    """`every: 15m`, or `cron: "0 3 * * *"` with an optional `time_zone`; the word `manual` removes a schedule."""

    every: str | None = None
    cron: str | None = None
    time_zone: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {} if value == "manual" else value

    @model_validator(mode="after")
    def _one_of_both(self) -> ScheduleEntry:
        if self.every is not None and self.cron is not None:
            raise ValueError("give `every` or `cron`, not both")
        if self.time_zone and self.cron is None:
            raise ValueError("`time_zone` belongs to `cron`")
        return self

    @field_validator("every")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            _checked(lambda: parse_duration(value))
        return value


class SettingsEntry(_Strict):
    """How jobs run; sizes such as `64MiB` and durations such as `30s`."""

    max_parallel_streams: int | None = Field(default=None, ge=1, le=64)
    commit_bytes: int | str | None = None
    commit_interval: str | None = None
    max_attempts: int | None = Field(default=None, ge=1)
    source_limits: LimitsEntry | None = None
    destination_limits: LimitsEntry | None = None

    @field_validator("commit_bytes")
    @classmethod
    def _size(cls, value: int | str | None) -> int | None:
        return _checked(lambda: parse_bytes(value)) if isinstance(value, str) else value

    @field_validator("commit_interval")
    @classmethod
    def _span(cls, value: str | None) -> str | None:
        if value is not None:
            _checked(lambda: parse_duration(value))
        return value


class ConnectionEntry(_Strict):
    """A connection. What is left out is left as it is; a new one without `streams` selects all that there are."""

    name: Id
    source: str
    destination: str
    streams: list[StreamEntry] | None = Field(default=None, min_length=1)
    schedule: ScheduleEntry | None = None
    schema_change: Literal["propagate", "fail"] | None = None
    settings: SettingsEntry | None = None


Entry = ConnectorEntry | SourceEntry | DestinationEntry | ConnectionEntry
