"""Jobs: one run of a connection, in one or more attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum

from towpath_server.domain.connection import SchemaChangePolicy, Settings
from towpath_server.domain.failure import Failure
from towpath_server.domain.rates import Sample
from towpath_server.domain.streams import StreamSelection

__all__ = [
    "ACTIVE",
    "Attempt",
    "CommitMark",
    "Job",
    "JobKind",
    "JobState",
    "JobStream",
    "JobView",
    "StreamState",
    "Totals",
    "Trigger",
]


class JobKind(IntEnum):
    """What a job does; the numbers are those of the wire."""

    SYNC = 1
    REFRESH = 2
    CLEAR = 3


class JobState(IntEnum):
    """Where a job stands; the numbers are those of the wire."""

    QUEUED = 1
    RUNNING = 2
    CANCELLING = 3
    SUCCEEDED = 4
    FAILED = 5
    CANCELLED = 6

    @property
    def terminal(self) -> bool:
        """The job has ended for good."""
        return self >= JobState.SUCCEEDED


ACTIVE = (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)
"""States of which a connection has at most one job."""


class StreamState(IntEnum):
    """Where a stream of a job stands; the numbers are those of the wire."""

    PENDING = 1
    RUNNING = 2
    TRANSFERRED = 3
    SUCCEEDED = 4
    FAILED = 5
    CANCELLED = 6


class Trigger(Enum):
    """What started a job."""

    MANUAL = "manual"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class Job:
    """A job without its streams.

    `epoch` is the newest attempt or publication; `publish_epoch` is set once BeginPublish has decided. `workflow_id`
    and `run_id` find it in Temporal. `revision` increases with every change that a watcher can see. `seen_time` is when
    the worker was last heard of; `holder` names the caller that began the newest attempt or publication.
    """

    id: str
    connection: str
    kind: JobKind
    state: JobState
    trigger: Trigger
    settings: Settings
    schema_change_policy: SchemaChangePolicy
    epoch: int
    publish_epoch: int | None
    publish_failure: Failure | None
    workflow_id: str
    run_id: str
    workflow_started: bool
    workflow_restarts: int
    cancel_delivered: bool
    failure: Failure | None
    revision: int
    log_seq: int
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    seen_time: datetime
    holder: str = ""

    @property
    def name(self) -> str:
        """Resource name."""
        return f"jobs/{self.id}"

    @property
    def cancel_requested(self) -> bool:
        """A cancel was asked for."""
        return self.state is JobState.CANCELLING


@dataclass(frozen=True)
class JobStream:
    """One stream of a job: what to move, what it began with, and what was committed since.

    `base_*` is the position of the connection when the job was opened; `committed_*` and `commit_seq` are of the last
    commit of this job (`commit_seq` zero: none). `samples` are recent reports, for rates.
    """

    index: int
    selection: StreamSelection
    state: StreamState
    base_state: bytes
    base_state_version: int
    base_ipc_schema: bytes
    generation: int
    minimum_generation: int
    commit_seq: int
    committed_state: bytes
    committed_state_version: int
    ipc_schema: bytes
    rows_read: int
    bytes_read: int
    rows_committed: int
    bytes_committed: int
    rows_rejected: int
    estimated_rows: int | None
    samples: tuple[Sample, ...]
    failure: Failure | None


@dataclass(frozen=True)
class Attempt:
    """One try of a job; `end_time` is None while it runs, or when its worker died; `holder` names who called.

    `run_id` and `try_number` are those of the workflow's run that asked for it; empty and zero when nobody said.
    """

    number: int
    worker: str
    start_time: datetime
    end_time: datetime | None
    failure: Failure | None
    holder: str = ""
    run_id: str = ""
    try_number: int = 0


@dataclass(frozen=True)
class Totals:
    """Sums over the streams of a job."""

    rows_read: int = 0
    bytes_read: int = 0
    rows_committed: int = 0
    bytes_committed: int = 0
    commits: int = 0
    rows_rejected: int = 0


@dataclass(frozen=True)
class CommitMark:
    """Where a commit of a stream ended: the rows that its job had committed with it, and when that was stored."""

    rows: int
    time: datetime


@dataclass(frozen=True)
class JobView:
    """A job with all that a user sees of it; `commits` are the newest of each stream, by its index, oldest first."""

    job: Job
    attempts: tuple[Attempt, ...]
    streams: tuple[JobStream, ...]
    commits: Mapping[int, Sequence[CommitMark]] = field(default_factory=dict[int, Sequence[CommitMark]])
