"""Lines of a job's log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from towpath_server.domain.streams import StreamName

__all__ = ["LogLevel", "LogLine"]


class LogLevel(IntEnum):
    """Severity; the numbers are those of towpath.connector.v1.LogEntry.Level."""

    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


@dataclass(frozen=True)
class LogLine:
    """One structured line; `seq` is 0 until it is stored. `origin` is source, destination, worker or server."""

    time: datetime
    level: LogLevel
    origin: str
    message: str
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    stream: StreamName | None = None
    attempt: int = 0
    seq: int = 0
