"""Schema changes: what a job found to differ from the run before, and the policy under which it went on or stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from towpath_server.domain.connection import SchemaChangePolicy
from towpath_server.domain.streams import StreamName

__all__ = ["ColumnChange", "SchemaChange"]


@dataclass(frozen=True)
class ColumnChange:
    """One column; `before` is empty when it was added, `after` when it was removed. Types are Arrow's, in words."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class SchemaChange:
    """What changed in one stream; `job` and `connection` are ids, `id` sorts by time."""

    id: str
    connection: str
    job: str
    stream: StreamName
    time: datetime
    policy: SchemaChangePolicy
    columns: tuple[ColumnChange, ...]
