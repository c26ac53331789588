"""Workflows and schedules at a Temporal server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from towpath_contracts import (
    CONNECTOR_TASK_WORKFLOW,
    SYNC_WORKFLOW,
    ConnectorTaskInput,
    FailureNote,
    SyncInput,
    schedule_id,
    task_workflow_id,
)
from towpath_sdk.errors import Misconfigured, Owner, Unavailable

from towpath_server.domain.connection import Connection
from towpath_server.domain.failure import Failure
from towpath_server.domain.job import Job
from towpath_server.orchestration.schedules import schedule_of, version_of
from towpath_server.use_cases.orchestrator import ScheduleView, WorkflowStatus

__all__ = ["TemporalOrchestrator"]

_RPC_TIMEOUT = timedelta(seconds=5)
_CALL_SECONDS = 6.0
# A worker's poll lasts up to a minute, and Temporal notes the time at which it began.
_POLLER_FRESH = timedelta(seconds=90)
# Beyond the wait of the caller, so that the activity can report its own timeout.
_TASK_GRACE = timedelta(seconds=15)


class TemporalOrchestrator:
    """The port `Orchestrator` at a Temporal server."""

    def __init__(self, client: Client, task_queue: str) -> None:
        """Take a client, which may be lazy, and the task queue that workers poll."""
        self._client = client
        self._task_queue = task_queue

    async def start_job(self, job: Job, *, abandoned: Failure | None = None) -> str:
        """Start the workflow of `job` unless it runs already, and return its run id."""
        note = None
        if abandoned is not None:
            note = FailureNote(
                kind=abandoned.kind.value,
                reason=abandoned.reason,
                message=abandoned.message,
                owner=abandoned.owner.value,
                origin=abandoned.origin,
            )
        sync = SyncInput(
            connection=f"connections/{job.connection}",
            job=job.name,
            trigger=job.trigger.value,
            max_attempts=job.settings.max_attempts,
            abandoned=note,
        )
        reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE if abandoned else WorkflowIDReusePolicy.REJECT_DUPLICATE
        async with self._answering():
            try:
                handle = await self._client.start_workflow(
                    SYNC_WORKFLOW,
                    sync,
                    id=job.workflow_id,
                    task_queue=self._task_queue,
                    id_reuse_policy=reuse,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    rpc_timeout=_RPC_TIMEOUT,
                )
            except WorkflowAlreadyStartedError as error:
                return error.run_id or ""
        return handle.first_execution_run_id or handle.run_id or ""

    async def cancel(self, workflow_id: str, run_id: str) -> None:
        """Ask a workflow to stop; nothing happens when it has ended."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id or None)
        async with self._answering():
            with _missing_is_fine():
                await handle.cancel(rpc_timeout=_RPC_TIMEOUT)

    async def terminate(self, workflow_id: str, run_id: str, reason: str) -> None:
        """End a workflow at once; nothing happens when it has ended."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id or None)
        async with self._answering():
            with _missing_is_fine():
                await handle.terminate(reason=reason, rpc_timeout=_RPC_TIMEOUT)

    async def status(self, workflow_id: str, run_id: str) -> WorkflowStatus:
        """Say whether a workflow runs."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id or None)
        async with self._answering():
            with _missing_is_fine():
                description = await handle.describe(rpc_timeout=_RPC_TIMEOUT)
                running = description.status is WorkflowExecutionStatus.RUNNING
                return WorkflowStatus.RUNNING if running else WorkflowStatus.CLOSED
        return WorkflowStatus.UNKNOWN

    async def start_task(self, task_id: str, seconds: float) -> None:
        """Start the workflow of a connector task, which is given `seconds`."""
        async with self._answering():
            await self._client.start_workflow(
                CONNECTOR_TASK_WORKFLOW,
                ConnectorTaskInput(task_id=task_id, timeout=seconds),
                id=task_workflow_id(task_id),
                task_queue=self._task_queue,
                execution_timeout=timedelta(seconds=seconds) + _TASK_GRACE,
                rpc_timeout=_RPC_TIMEOUT,
            )

    async def has_workers(self) -> bool:
        """Say whether a worker asked for work lately."""
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=self._task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
        async with self._answering():
            answer = await self._client.workflow_service.describe_task_queue(request, timeout=_RPC_TIMEOUT)
        oldest = datetime.now(UTC) - _POLLER_FRESH
        return any(poller.last_access_time.ToDatetime(tzinfo=UTC) >= oldest for poller in answer.pollers)

    async def put_schedule(self, connection: Connection) -> None:
        """Make Temporal's schedule equal to that of `connection`; a manual one has none."""
        wanted = schedule_of(connection, self._task_queue)
        if wanted is None:
            await self.remove_schedule(connection.id)
            return
        schedule: Schedule = wanted

        def replace(_present: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(schedule=schedule)

        identifier = schedule_id(connection.name)
        async with self._answering():
            try:
                await self._client.create_schedule(identifier, schedule, rpc_timeout=_RPC_TIMEOUT)
            except ScheduleAlreadyRunningError:
                handle = self._client.get_schedule_handle(identifier)
                await handle.update(replace, rpc_timeout=_RPC_TIMEOUT)

    async def remove_schedule(self, connection: str) -> None:
        """Remove the schedule of a connection id; nothing happens when there is none."""
        handle = self._client.get_schedule_handle(schedule_id(f"connections/{connection}"))
        async with self._answering():
            with _missing_is_fine():
                await handle.delete(rpc_timeout=_RPC_TIMEOUT)

    async def schedule(self, connection: str) -> ScheduleView | None:
        """Return what Temporal knows of the schedule of a connection id; None when it knows none."""
        handle = self._client.get_schedule_handle(schedule_id(f"connections/{connection}"))
        async with self._answering():
            with _missing_is_fine():
                description = await handle.describe(rpc_timeout=_RPC_TIMEOUT)
                state = description.schedule.state
                times = description.info.next_action_times
                return ScheduleView(version_of(state.note), times[0] if times and not state.paused else None)
        return None

    @asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None]:
        """Turn Temporal's failures, and its silence, into those of the error tree."""
        try:
            # The timeout of a call does not bound the time that a lazy client takes to connect.
            async with asyncio.timeout(_CALL_SECONDS):
                yield
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise Misconfigured(f"Temporal refuses this: {error.message}", reason="TEMPORAL_REFUSED") from error
            if _namespace_missing(error):
                raise Unavailable(
                    f"Temporal at {self._address} has no namespace {self._client.namespace!r}; create it, or give this "
                    "server another one",
                    reason="TEMPORAL_NAMESPACE_MISSING",
                    owner=Owner.PLATFORM,
                ) from error
            raise self._silent() from error
        except (RuntimeError, TimeoutError, OSError) as error:
            # A lazy client that cannot connect raises RuntimeError.
            raise self._silent() from error

    @property
    def _address(self) -> str:
        return self._client.service_client.config.target_host

    def _silent(self) -> Unavailable:
        return Unavailable(
            f"Temporal does not answer at {self._address}; see that it runs there",
            reason="TEMPORAL_UNAVAILABLE",
            owner=Owner.PLATFORM,
        )


@contextmanager
def _missing_is_fine() -> Generator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND or _namespace_missing(error):
            raise


def _namespace_missing(error: RPCError) -> bool:
    """Tell a namespace that does not exist from a workflow that does not: the gRPC code is the same."""
    return any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)
