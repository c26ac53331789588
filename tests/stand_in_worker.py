"""A worker for tests of the server: a real Temporal worker whose connectors are answers kept in memory.

It plays the worker's side of towpath.runtime.v1 for connector tasks. Workflows of jobs only wait: the test itself calls
JobRunService, step by step, and so decides what happens when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
from grpc import RpcError
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from towpath.connector.v1 import connector_pb2, types_pb2
from towpath.control.v1 import failures_pb2, previews_pb2
from towpath.runtime.v1 import worker_pb2, worker_pb2_grpc
from towpath_contracts import (
    CONNECTOR_TASK_WORKFLOW,
    OPEN_JOB,
    RUN_TASK,
    SYNC_WORKFLOW,
    ConnectorTaskInput,
    OpenedJob,
    OpenJobInput,
    RunTaskInput,
    SyncInput,
    SyncResult,
    run_identity,
)
from towpath_sdk.status import from_rpc

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

ROW_SECRET = "what-only-the-rows-hold"
SOURCE_SCHEMA = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["host", "password"],
  "additionalProperties": false,
  "properties": {
    "host": {"type": "string", "minLength": 1},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "password": {"type": "string", "writeOnly": true, "x-towpath-secret": true},
    "tunnel": {"anyOf": [{"$ref": "#/$defs/Tunnel"}, {"type": "null"}]},
    "replicas": {"type": "array", "items": {
      "type": "object",
      "properties": {"host": {"type": "string"}, "token": {"type": "string", "writeOnly": true}}
    }}
  },
  "$defs": {"Tunnel": {
    "type": "object",
    "required": ["user"],
    "additionalProperties": false,
    "properties": {
      "user": {"type": "string"},
      "auth": {"oneOf": [
        {"type": "object", "required": ["kind", "password"], "properties": {
          "kind": {"const": "password"}, "password": {"type": "string", "x-towpath-secret": true}}},
        {"type": "object", "required": ["kind", "key"], "properties": {
          "kind": {"const": "key"}, "key": {"type": "string", "x-towpath-secret": true}}}
      ]}
    }
  }}
}"""
DESTINATION_SCHEMA = """{
  "type": "object",
  "required": ["bucket"],
  "properties": {
    "bucket": {"type": "string"},
    "secret_key": {"type": "string", "x-towpath-secret": true}
  }
}"""


def descriptor(
    name: str,
    columns: tuple[str, ...] = ("id", "updated_at"),
    *,
    cursors: tuple[str, ...] = ("updated_at",),
    own_cursor: bool = False,
) -> types_pb2.StreamDescriptor:
    """Describe a stream of the schema `public`; with `own_cursor` its source defines the cursor itself."""
    return types_pb2.StreamDescriptor(
        name=types_pb2.StreamName(namespace="public", name=name),
        ipc_schema=pa.schema([(column, pa.int64()) for column in columns]).serialize().to_pybytes(),
        primary_key=columns[:1],
        read_modes=["READ_MODE_SNAPSHOT", *(["READ_MODE_INCREMENTAL"] if cursors or own_cursor else [])],
        cursor_columns=() if own_cursor else cursors,
        kind="table",
    )


@dataclass
class StandInConnectors:
    """What the connectors answer; a test may change it at any time.

    `tasks` are those that arrived, `launches` their configurations. With `failure` set, every check and discover fails
    with it; each takes `pause` seconds. With `halfway` set, that is reported of a task, which waits for `go_on` then.
    """

    streams: list[types_pb2.StreamDescriptor] = field(
        default_factory=lambda: [descriptor("orders"), descriptor("customers"), descriptor("events", own_cursor=True)]
    )
    write_modes: list[str] = field(
        default_factory=lambda: ["WRITE_MODE_APPEND", "WRITE_MODE_OVERWRITE", "WRITE_MODE_DEDUP"]
    )
    launches: list[worker_pb2.ConnectorLaunch] = field(default_factory=list[worker_pb2.ConnectorLaunch])
    tasks: list[worker_pb2.GetTaskResponse] = field(default_factory=list[worker_pb2.GetTaskResponse])
    discoveries: int = 0
    failure: failures_pb2.Failure | None = None
    pause: float = 0.0
    halfway: worker_pb2.ReportTaskRequest | None = None
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, task: worker_pb2.GetTaskResponse) -> worker_pb2.CompleteTaskRequest:
        """Answer one task, by the program or the image that the connector is started with."""
        self.launches.append(task.connector)
        self.tasks.append(task)
        await asyncio.sleep(self.pause)
        program = task.connector.image or task.connector.command[0]
        if program == "hangs":
            await asyncio.sleep(3600)
        if program == "exits":
            return worker_pb2.CompleteTaskRequest(
                failure={
                    "kind": "KIND_UNAVAILABLE",
                    "reason": "CONNECTOR_EXITED",
                    "message": "the connector ended with exit code 1 before it listened",
                    "origin": "worker",
                }
            )
        if task.kind == worker_pb2.GetTaskResponse.KIND_SPEC:
            return worker_pb2.CompleteTaskRequest(spec=self._spec(program))
        if self.failure is not None:
            return worker_pb2.CompleteTaskRequest(failure=self.failure)
        return self._answer(task)

    def _answer(self, task: worker_pb2.GetTaskResponse) -> worker_pb2.CompleteTaskRequest:
        match task.kind:
            case worker_pb2.GetTaskResponse.KIND_CHECK:
                result = connector_pb2.CheckResult(probe="network")
                return worker_pb2.CompleteTaskRequest(check=connector_pb2.CheckResponse(results=[result]))
            case worker_pb2.GetTaskResponse.KIND_PLAN:
                names = [each.stream.name for each in task.streams]
                plans = [{"name": name, "location": f"lake/{name.name}"} for name in names]
                return worker_pb2.CompleteTaskRequest(plan={"streams": plans})
            case worker_pb2.GetTaskResponse.KIND_PREVIEW:
                row = previews_pb2.PreviewRow(values=[previews_pb2.PreviewValue(text=ROW_SECRET)])
                columns = [previews_pb2.PreviewColumn(name="id", type="int64")]
                return worker_pb2.CompleteTaskRequest(preview={"columns": columns, "rows": [row], "complete": True})
            case _:
                self.discoveries += 1
                return worker_pb2.CompleteTaskRequest(catalog=connector_pb2.DiscoverResponse(streams=self.streams))

    def _spec(self, program: str) -> connector_pb2.SpecResponse:
        if program == "destination":
            return connector_pb2.SpecResponse(
                connector_id="test.destination",
                connector_version="1.0.0",
                roles=["ROLE_DESTINATION"],
                config_json_schema=DESTINATION_SCHEMA,
                destination={"write_modes": self.write_modes},
            )
        return connector_pb2.SpecResponse(
            connector_id="test.source",
            connector_version="1.0.0",
            roles=["ROLE_SOURCE"],
            config_json_schema=SOURCE_SCHEMA,
        )


class StandInActivities:
    """Activities that speak to the server under test."""

    def __init__(
        self,
        connectors: StandInConnectors,
        tasks: worker_pb2_grpc.TaskServiceAsyncStub,
        runs: worker_pb2_grpc.JobRunServiceAsyncStub,
    ) -> None:
        self._connectors = connectors
        self._tasks = tasks
        self._runs = runs

    @activity.defn(name=RUN_TASK)
    async def run_task(self, task: RunTaskInput) -> None:
        """Answer a connector task."""
        work = await self._tasks.GetTask(worker_pb2.GetTaskRequest(task_id=task.task_id))
        if (report := self._connectors.halfway) is not None:
            report.task_id = task.task_id
            await self._tasks.ReportTask(report)
            await self._connectors.go_on.wait()
        answer = await self._connectors.answer(work)
        answer.task_id = task.task_id
        await self._tasks.CompleteTask(answer)

    @activity.defn(name=OPEN_JOB)
    async def open_job(self, run: OpenJobInput) -> OpenedJob:
        """Open the job of a scheduled run; None when another one is active."""
        try:
            opened = await self._runs.OpenJob(worker_pb2.OpenJobRequest(connection=run.connection, run_id=run.run_id))
        except RpcError as error:
            failure = from_rpc(error)
            if failure.reason == "JOB_ACTIVE":
                return OpenedJob(None)
            raise ApplicationError(failure.message, type=failure.kind.value, non_retryable=True) from error
        return OpenedJob(opened.job)


@workflow.defn(name=CONNECTOR_TASK_WORKFLOW)
class StandInTaskWorkflow:
    """Runs one connector task."""

    @workflow.run
    async def run(self, task: ConnectorTaskInput) -> None:
        """Run it once."""
        await workflow.execute_activity(
            RUN_TASK,
            RunTaskInput(task.task_id, task.timeout),
            start_to_close_timeout=timedelta(seconds=task.timeout),
            heartbeat_timeout=timedelta(seconds=task.timeout),
        )


@workflow.defn(name=SYNC_WORKFLOW)
class StandInSyncWorkflow:
    """Opens the job if a schedule asks, then waits: the test plays the attempt."""

    @workflow.run
    async def run(self, sync: SyncInput) -> SyncResult:
        """Wait until the signal `finish`, or a cancel."""
        job = sync.job
        if job is None:
            info = workflow.info()
            opened = await workflow.execute_activity(
                OPEN_JOB,
                OpenJobInput(sync.connection, run_identity(info.workflow_id, info.run_id)),
                start_to_close_timeout=timedelta(seconds=10),
                result_type=OpenedJob,
            )
            if opened.job is None:
                return SyncResult(None, "")
            job = opened.job
        await workflow.wait_condition(lambda: self._finished)
        return SyncResult(job, "")

    def __init__(self) -> None:
        self._finished = False

    @workflow.signal
    def finish(self) -> None:
        """Let the workflow end."""
        self._finished = True


def stand_in_worker(client: Client, task_queue: str, activities: StandInActivities) -> Worker:
    """Return a worker that is not running yet."""
    callables: list[Callable[..., object]] = [activities.run_task, activities.open_job]
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[StandInTaskWorkflow, StandInSyncWorkflow],
        activities=callables,
        build_id="stand-in",
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
