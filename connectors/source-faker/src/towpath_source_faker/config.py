"""What a user configures. The JSON Schema of `FakerConfig` is the connector's spec."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, field_validator
from towpath_sdk import Config, Secret

__all__ = [
    "LAST_DAY",
    "REVOKED_KEY",
    "Changes",
    "Emit",
    "FailureKind",
    "Failures",
    "FakerConfig",
    "Remote",
    "StreamFailure",
]

REVOKED_KEY = "revoked-key"
"""The one API key that the made-up remote system refuses."""

_MOST_ROWS = 10_000_000_000
LAST_DAY = 366
"""Time ends there: making a row looks at every day."""


class Emit(StrEnum):
    """What `read` yields."""

    BATCHES = "batches"
    """Arrow record batches: the fast way."""
    ROWS = "rows"
    """Plain dicts, one a row: the way of simple connectors."""


class Remote(StrEnum):
    """How the made-up remote system is today."""

    UP = "up"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    DENIED = "denied"


class FailureKind(StrEnum):
    """How a stream fails; `blocks` means that it says nothing more, for ever."""

    MISCONFIGURED = "misconfigured"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    POSITION_LOST = "position_lost"
    BAD_RECORD = "bad_record"
    BUG = "bug"
    BLOCKS = "blocks"


class Changes(Config):
    """What happens to customers, orders and events from one day to the next; incremental reads see it."""

    day: int = Field(default=0, ge=0, le=LAST_DAY, description="Days that have passed; on day 0 nothing has changed.")
    clock: Path | None = Field(
        default=None, description="A file that holds the day as a number and overrides `day`; none there means `day`."
    )
    inserts: int = Field(default=10, ge=0, le=_MOST_ROWS, description="New rows per stream and day.")
    updates: int = Field(default=10, ge=0, le=_MOST_ROWS, description="Changed rows per stream and day.")

    @field_validator("clock")
    @classmethod
    def _clock_is_absolute(cls, path: Path | None) -> Path | None:
        return _absolute(path)


class StreamFailure(Config):
    """When and how one stream fails."""

    kind: FailureKind = Field(default=FailureKind.UNAVAILABLE, description="How it fails; `blocks` means for ever.")
    after_rows: int = Field(default=0, ge=0, description="Rows of the stream before it fails.")


class Failures(Config):
    """Failures on demand."""

    remote: Remote = Field(default=Remote.UP, description="How the remote system is; every call meets it.")
    streams: dict[str, StreamFailure] = Field(
        default_factory=dict[str, StreamFailure], description="Streams that fail, by name."
    )


class FakerConfig(Config):
    """What to make up, how much of it, and what is to go wrong."""

    seed: int = Field(
        ge=0, lt=2**63, description="The number that everything follows from: the same seed makes the same rows."
    )
    api_key: Secret | None = Field(
        default=None,
        description=f"Key for the made-up remote system, which takes any but `{REVOKED_KEY}`. Optional.",
    )
    rows: int = Field(default=1000, ge=0, le=_MOST_ROWS, description="Rows of each stream on day 0.")
    row_bytes: int = Field(
        default=0,
        ge=0,
        le=16 << 20,
        description="Bytes of padding in each row of customers, orders and events; 0 means no such column.",
    )
    batch_rows: int = Field(
        default=16_384, ge=1, le=1 << 20, description="Most rows that are made, and waited for, at a time."
    )
    checkpoint_rows: int = Field(default=100_000, ge=1, description="Rows between two points to continue from.")
    latency_seconds: float = Field(default=0, ge=0, le=3600, description="Wait before each batch.")
    wide_columns: int = Field(default=1000, ge=1, le=10_000, description="Columns of the stream `wide`.")
    extra_streams: int = Field(
        default=0, ge=0, le=1_000_000, description="Further streams, with few rows each, in the namespace `extra`."
    )
    schema_change_after_rows: int | None = Field(
        default=None, ge=0, description="Rows after which customers, orders and events gain the column `note`."
    )
    changes: Changes = Field(default=Changes(), description="What happens from one day to the next.")
    failures: Failures = Field(default=Failures(), description="Failures on demand.")
    emit: Emit = Field(default=Emit.BATCHES, description="Whether Arrow batches or plain rows are handed to the SDK.")
    ledger: Path | None = Field(
        default=None,
        description="A JSON file that stands for a remote system that forgets: what was acknowledged is noted there.",
    )

    @field_validator("ledger")
    @classmethod
    def _ledger_is_absolute(cls, path: Path | None) -> Path | None:
        return _absolute(path)


def _absolute(path: Path | None) -> Path | None:
    if path is not None and not path.is_absolute():
        raise ValueError("give an absolute path: the connector runs in a folder of its own")
    return path
