"""What the use cases need of Temporal, and nothing of how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from towpath_server.domain.connection import Connection
from towpath_server.domain.failure import Failure
from towpath_server.domain.job import Job

__all__ = ["Orchestrator", "ScheduleView", "WorkflowStatus"]


class WorkflowStatus(Enum):
    """What Temporal knows of a workflow."""

    RUNNING = "running"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ScheduleView:
    """What Temporal knows of a schedule: the version that it was last given, and when it starts next, if it does."""

    version: int
    next_time: datetime | None


class Orchestrator(Protocol):
    """Workflows and schedules. Every method raises Unavailable when Temporal does not answer within seconds."""

    async def start_job(self, job: Job, *, abandoned: Failure | None = None) -> str:
        """Start the workflow of `job` unless it runs already, and return its run id.

        With `abandoned` a workflow of the same id may have run before; the new one goes straight to the publication.
        """
        ...

    async def cancel(self, workflow_id: str, run_id: str) -> None:
        """Ask a workflow to stop; nothing happens when it has ended."""
        ...

    async def terminate(self, workflow_id: str, run_id: str, reason: str) -> None:
        """End a workflow at once; nothing happens when it has ended."""
        ...

    async def status(self, workflow_id: str, run_id: str) -> WorkflowStatus:
        """Say whether a workflow runs."""
        ...

    async def start_task(self, task_id: str, seconds: float) -> None:
        """Start the workflow of a connector task, which is given `seconds`."""
        ...

    async def has_workers(self) -> bool:
        """Say whether a worker asked for work lately."""
        ...

    async def put_schedule(self, connection: Connection) -> None:
        """Make Temporal's schedule equal to that of `connection`; a manual one has none."""
        ...

    async def remove_schedule(self, connection: str) -> None:
        """Remove the schedule of a connection id; nothing happens when there is none."""
        ...

    async def schedule(self, connection: str) -> ScheduleView | None:
        """Return what Temporal knows of the schedule of a connection id; None when it knows none."""
        ...
