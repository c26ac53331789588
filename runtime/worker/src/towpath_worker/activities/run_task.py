"""One spec, check, discover, preview or plan: fetch the task, run the connector, store the outcome."""

from __future__ import annotations

import asyncio

import structlog
from temporalio import activity
from towpath.connector.v1 import connector_pb2, source_pb2
from towpath.control.v1 import connections_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_contracts import RUN_TASK, RunTaskInput
from towpath_sdk import traces
from towpath_sdk.errors import Kind, Misconfigured, Unavailable

from towpath_worker.activities.outcome import application_error, beating, interruption
from towpath_worker.activities.parts import Parts
from towpath_worker.connectors import connected
from towpath_worker.failures import Located, Origin, failure_message, locate
from towpath_worker.server.channel import for_seconds
from towpath_worker.server.task_reports import reporting
from towpath_worker.transfer.first_rows import first_rows
from towpath_worker.transfer.foresight import foresee

__all__ = ["RunTaskActivity"]

_PATIENCE = 10.0
_Kind = worker_pb2.GetTaskResponse.Kind

_log = structlog.get_logger(__name__)


class RunTaskActivity:
    """Holds what the activity needs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @activity.defn(name=RUN_TASK)
    async def run_task(self, run: RunTaskInput) -> None:
        """Run the task. A failure of the connector is its outcome; this fails only when the server cannot be told."""
        async with beating():
            try:
                await self._run(run)
            except Located as failure:
                if failure.error.kind is Kind.NOT_FOUND:
                    _log.info("task was dropped", task=run.task_id)
                    return
                raise application_error(failure) from failure

    async def _run(self, run: RunTaskInput) -> None:
        server = self._parts.server
        request = worker_pb2.GetTaskRequest(task_id=run.task_id)
        task = await server.call(server.tasks.GetTask, request, patience=for_seconds(_PATIENCE))
        traces.current().mark(connector=task.connector.connector)
        outcome = await self._outcome(task, run)
        outcome.task_id = run.task_id
        await server.call(server.tasks.CompleteTask, outcome, patience=for_seconds(_PATIENCE))

    async def _outcome(self, task: worker_pb2.GetTaskResponse, run: RunTaskInput) -> worker_pb2.CompleteTaskRequest:
        try:
            async with asyncio.timeout(run.timeout):
                return await self._ask(task, run)
        except TimeoutError:
            message = f"{task.connector.connector} did not answer within {run.timeout:g} s"
            failure = Located(Unavailable(message, reason="TASK_TIMEOUT"), "worker")
        except asyncio.CancelledError:
            failure = interruption()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
            failure = locate(error)
            if failure is not error:
                _log.exception("task failed for a reason that nobody foresaw", task=run.task_id)
        return worker_pb2.CompleteTaskRequest(failure=failure_message(failure))

    async def _ask(self, task: worker_pb2.GetTaskResponse, run: RunTaskInput) -> worker_pb2.CompleteTaskRequest:
        async with connected(self._parts.launcher, task.connector, _origin(task.connector)) as connector:
            if task.kind == _Kind.KIND_SPEC:
                return worker_pb2.CompleteTaskRequest(spec=await connector.spec())
            if task.kind == _Kind.KIND_CHECK:
                async with reporting(self._parts.server, run.task_id) as tell:
                    return worker_pb2.CompleteTaskRequest(check=await connector.check(run.timeout, tell))
            if task.kind == _Kind.KIND_DISCOVER:
                return worker_pb2.CompleteTaskRequest(catalog=await connector.discover(run.timeout))
            if task.kind == _Kind.KIND_PREVIEW:
                (stream,) = (_whole(one.stream) for one in task.streams)
                return worker_pb2.CompleteTaskRequest(preview=await first_rows(connector, stream, task.max_rows))
            if task.kind == _Kind.KIND_PLAN:
                plan = await foresee(connector, f"plan-{run.task_id}", task.streams)
                return worker_pb2.CompleteTaskRequest(plan=plan)
        raise Located(Misconfigured(f"this worker does not know tasks of kind {task.kind}; update it"), "worker")


def _whole(stream: connections_pb2.ConnectionStream) -> source_pb2.ReadStream:
    """Return how to read a stream from its start."""
    return source_pb2.ReadStream(
        name=stream.name, mode=stream.read_mode, columns=stream.columns, cursor_column=stream.cursor_column
    )


def _origin(launch: worker_pb2.ConnectorLaunch) -> Origin:
    """Return what the connector is called in failures; nobody knows before its spec is read."""
    roles = launch.spec.roles
    if connector_pb2.ROLE_SOURCE in roles:
        return "source"
    return "destination" if connector_pb2.ROLE_DESTINATION in roles else "worker"
