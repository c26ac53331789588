"""Names under which server and worker find each other in Temporal.

Temporal shows these names to operators, and running workflows refer to them: changing one strands what is in flight.
"""

from __future__ import annotations

__all__ = [
    "CONNECTOR_TASK_WORKFLOW",
    "OPEN_JOB",
    "PUBLISH",
    "RUN_TASK",
    "SYNC_WORKFLOW",
    "TASK_QUEUE",
    "TRANSFER",
    "job_workflow_id",
    "run_identity",
    "schedule_id",
    "scheduled_workflow_prefix",
    "split_run_identity",
    "task_workflow_id",
]

TASK_QUEUE = "towpath"
"""Default task queue of workflows and activities; server and workers must be given the same one."""

SYNC_WORKFLOW = "SyncWorkflow"
"""Runs one job of any kind; takes a SyncInput and returns a SyncResult."""

CONNECTOR_TASK_WORKFLOW = "ConnectorTaskWorkflow"
"""Runs one spec, check, discover, preview or plan; takes a ConnectorTaskInput and returns nothing."""

OPEN_JOB = "open_job"
"""Activity: OpenJobInput -> OpenedJob."""

TRANSFER = "transfer"
"""Activity: TransferInput -> TransferOutcome. One attempt of a job, with heartbeats."""

PUBLISH = "publish"
"""Activity: PublishInput -> PublishOutcome. BeginPublish, CompleteWrite, FinishJob."""

RUN_TASK = "run_task"
"""Activity: RunTaskInput -> nothing; the outcome goes to the server by TaskService.CompleteTask."""


def job_workflow_id(job: str) -> str:
    """Workflow id of a job that was asked for: the resource name of the job, `jobs/{id}`."""
    return job


def schedule_id(connection: str) -> str:
    """Temporal Schedule id of a connection: its resource name, `connections/{id}`."""
    return connection


def scheduled_workflow_prefix(connection: str) -> str:
    """Workflow id that a connection's Schedule starts; Temporal appends `-` and the time of the start."""
    return f"scheduled/{connection}"


def task_workflow_id(task_id: str) -> str:
    """Workflow id of a connector task."""
    return f"tasks/{task_id}"


def run_identity(workflow_id: str, run_id: str) -> str:
    """Join both Temporal ids into OpenJobRequest.run_id."""
    return f"{workflow_id}:{run_id}"


def split_run_identity(identity: str) -> tuple[str, str]:
    """Split what `run_identity` joined into workflow id and run id.

    Raises ValueError when it is not such an identity.
    """
    workflow_id, colon, run_id = identity.rpartition(":")
    if not (workflow_id and colon and run_id):
        raise ValueError(f"{identity!r} is not a workflow id and a run id joined by a colon")
    return workflow_id, run_id
