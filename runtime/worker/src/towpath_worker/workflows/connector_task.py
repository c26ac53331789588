"""One spec, check, discover, preview or plan of a connector."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from towpath_contracts import CONNECTOR_TASK_WORKFLOW, RUN_TASK, ConnectorTaskInput, RunTaskInput

from towpath_worker.workflows.retries import HEARTBEAT_TIMEOUT

__all__ = ["ConnectorTaskWorkflow"]


@workflow.defn(name=CONNECTOR_TASK_WORKFLOW)
class ConnectorTaskWorkflow:
    """Runs a connector once. A failure of the connector is an outcome: the server's caller decides about a retry."""

    @workflow.run
    async def run(self, task: ConnectorTaskInput) -> None:
        """Run the task; the outcome goes to the server, not through Temporal."""
        await workflow.execute_activity(
            RUN_TASK,
            RunTaskInput(task.task_id, task.timeout),
            schedule_to_close_timeout=timedelta(seconds=task.timeout + 5.0),
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
