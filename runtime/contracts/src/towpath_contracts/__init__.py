"""What server and worker agree on: names, ids, and the inputs of workflows and activities. No I/O in here."""

from towpath_contracts.failures import NON_RETRYABLE, FailureNote
from towpath_contracts.names import (
    CONNECTOR_TASK_WORKFLOW,
    OPEN_JOB,
    PUBLISH,
    RUN_TASK,
    SYNC_WORKFLOW,
    TASK_QUEUE,
    TRANSFER,
    job_workflow_id,
    run_identity,
    schedule_id,
    scheduled_workflow_prefix,
    split_run_identity,
    task_workflow_id,
)
from towpath_contracts.sync import (
    OpenedJob,
    OpenJobInput,
    PublishInput,
    PublishOutcome,
    SyncInput,
    SyncResult,
    TransferInput,
    TransferOutcome,
)
from towpath_contracts.tasks import ConnectorTaskInput, RunTaskInput

__all__ = [
    "CONNECTOR_TASK_WORKFLOW",
    "NON_RETRYABLE",
    "OPEN_JOB",
    "PUBLISH",
    "RUN_TASK",
    "SYNC_WORKFLOW",
    "TASK_QUEUE",
    "TRANSFER",
    "ConnectorTaskInput",
    "FailureNote",
    "OpenJobInput",
    "OpenedJob",
    "PublishInput",
    "PublishOutcome",
    "RunTaskInput",
    "SyncInput",
    "SyncResult",
    "TransferInput",
    "TransferOutcome",
    "job_workflow_id",
    "run_identity",
    "schedule_id",
    "scheduled_workflow_prefix",
    "split_run_identity",
    "task_workflow_id",
]
