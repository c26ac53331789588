"""Connections' schedules as Temporal Schedules."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
)
from towpath_contracts import SYNC_WORKFLOW, SyncInput, scheduled_workflow_prefix

from towpath_server.domain.connection import Connection
from towpath_server.domain.schedule import Cron, Interval

__all__ = ["schedule_of", "version_of"]

# A start that was missed for longer, because Temporal was down, is not made up for: the next one brings the same data.
_CATCHUP_WINDOW = timedelta(hours=1)
_NOTE = "towpath schedule version "


def schedule_of(connection: Connection, task_queue: str) -> Schedule | None:
    """Return the Temporal Schedule that `connection` should have; None when it runs only on request."""
    match connection.schedule:
        case Interval(every):
            spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)])
        case Cron(expression, time_zone):
            spec = ScheduleSpec(cron_expressions=[expression.strip()], time_zone_name=time_zone or "UTC")
        case None:
            return None
    sync = SyncInput(
        connection=connection.name, job=None, trigger="schedule", max_attempts=connection.settings.max_attempts
    )
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SYNC_WORKFLOW, sync, id=scheduled_workflow_prefix(connection.name), task_queue=task_queue
        ),
        spec=spec,
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCHUP_WINDOW),
        state=ScheduleState(note=f"{_NOTE}{connection.schedule_version}", paused=connection.paused),
    )


def version_of(note: str | None) -> int:
    """Return the version that `schedule_of` wrote into a schedule's note; 0 when someone else wrote it."""
    text = (note or "").removeprefix(_NOTE)
    return int(text) if text.isdecimal() else 0
