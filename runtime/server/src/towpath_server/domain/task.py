"""Connector tasks: one spec, check, discover or preview, run by a worker for a caller who waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from towpath_server.domain.connector import Program
from towpath_server.domain.failure import Failure
from towpath_server.domain.streams import StreamSelection

__all__ = ["Launch", "Task", "TaskKind", "TaskResult", "Work"]


class TaskKind(IntEnum):
    """What a task does; the numbers are those of towpath.runtime.v1.GetTaskResponse.Kind."""

    SPEC = 1
    CHECK = 2
    DISCOVER = 3
    PREVIEW = 4


@dataclass(frozen=True)
class Launch:
    """How to start a connector. `connector` is a resource name; `config_json` is in clear; `spec` is a SpecResponse."""

    connector: str
    program: Program
    config_json: str = field(repr=False)
    spec: bytes = b""


@dataclass(frozen=True)
class Work:
    """What a task is about, beside its connector: one stream and at most `max_rows` of it for a preview."""

    streams: tuple[StreamSelection, ...] = ()
    max_rows: int = 0


@dataclass(frozen=True)
class TaskResult:
    """Outcome of a task: a failure, or the serialized message of its kind, such as a CheckResponse."""

    failure: Failure | None
    message: bytes


@dataclass(frozen=True)
class Task:
    """A task; `result` is None until a worker has completed it. After `deadline` nobody waits any more.

    `holder` names the caller that works on it; empty before one does.
    """

    id: str
    kind: TaskKind
    launch: Launch
    deadline: datetime
    result: TaskResult | None
    holder: str = ""
    work: Work = Work()
