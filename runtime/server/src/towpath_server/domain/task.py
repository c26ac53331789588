"""Connector tasks: one spec, check, discover, preview or plan, run by a worker for a caller who waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from towpath_server.domain.connector import Program
from towpath_server.domain.failure import Failure
from towpath_server.domain.streams import StreamSelection

__all__ = ["Launch", "Task", "TaskKind", "TaskReport", "TaskResult", "Work"]


class TaskKind(IntEnum):
    """What a task does; the numbers are those of towpath.runtime.v1.GetTaskResponse.Kind."""

    SPEC = 1
    CHECK = 2
    DISCOVER = 3
    PREVIEW = 4
    PLAN = 5


@dataclass(frozen=True)
class Launch:
    """How to start a connector. `connector` is a resource name; `config_json` is in clear; `spec` is a SpecResponse."""

    connector: str
    program: Program
    config_json: str = field(repr=False)
    spec: bytes = b""


@dataclass(frozen=True)
class Work:
    """What a task is about, beside its connector.

    A preview has one stream, and shows at most `max_rows` of it. A plan has any number, each with its schema in
    `ipc_schemas`: all columns, as an encapsulated Arrow IPC Schema message.
    """

    streams: tuple[StreamSelection, ...] = ()
    max_rows: int = 0
    ipc_schemas: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class TaskResult:
    """Outcome of a task: a failure, or the serialized message of its kind, such as a CheckResponse."""

    failure: Failure | None
    message: bytes


@dataclass(frozen=True)
class TaskReport:
    """How far a check has come: a serialized CheckResponse with the probes that have ended, and the one that runs.

    `running` is empty when no probe runs, or when the connector does not tell.
    """

    results: bytes
    running: str


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
