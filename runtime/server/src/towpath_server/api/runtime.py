"""towpath.runtime.v1: what workers call. Its answers hold configurations in clear."""

from __future__ import annotations

from towpath.runtime.v1 import worker_pb2, worker_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.domain.names import id_of
from towpath_server.domain.schema_change import ColumnChange
from towpath_server.use_cases.attempts import Attempts, Beginning, Hold
from towpath_server.use_cases.audit import caller
from towpath_server.use_cases.jobs import Jobs
from towpath_server.use_cases.publications import Publications
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.tasks import ConnectorTasks
from towpath_server.wire.common import failure_from
from towpath_server.wire.jobs import line_from
from towpath_server.wire.runtime import (
    commit_from,
    counters_from,
    publication_to,
    report_from,
    result_from,
    stream_work_to,
    task_to,
    work_to,
)

__all__ = ["JobRunService", "TaskService"]


class JobRunService(worker_pb2_grpc.JobRunServiceServicer):
    """How an attempt learns its work, keeps its lease and stores its commits."""

    def __init__(self, jobs: Jobs, attempts: Attempts, publications: Publications) -> None:
        self._jobs = jobs
        self._attempts = attempts
        self._publications = publications

    async def OpenJob(self, request: worker_pb2.OpenJobRequest, context: Context) -> worker_pb2.OpenJobResponse:
        """Create the job of a scheduled run."""
        connection = id_of("connections", request.connection, "connection")
        job = await self._jobs.open_scheduled(connection, request.run_id)
        return worker_pb2.OpenJobResponse(job=job.name)

    async def BeginAttempt(
        self, request: worker_pb2.BeginAttemptRequest, context: Context
    ) -> worker_pb2.BeginAttemptResponse:
        """Start a new attempt."""
        begun = Beginning(request.worker, caller().name, request.run_id, request.try_number)
        return work_to(await self._attempts.begin(_id(request.job), begun))

    async def ReportProgress(
        self, request: worker_pb2.ReportProgressRequest, context: Context
    ) -> worker_pb2.ReportProgressResponse:
        """Renew the lease and store counters."""
        cancel = await self._attempts.report(_hold(request.job, request.epoch), counters_from(request.streams))
        return worker_pb2.ReportProgressResponse(cancel_requested=cancel)

    async def CommitStream(
        self, request: worker_pb2.CommitStreamRequest, context: Context
    ) -> worker_pb2.CommitStreamResponse:
        """Store state and receipt of one commit."""
        await self._attempts.commit(_hold(request.job, request.epoch), commit_from(request))
        return worker_pb2.CommitStreamResponse()

    async def ResetStream(
        self, request: worker_pb2.ResetStreamRequest, context: Context
    ) -> worker_pb2.ResetStreamResponse:
        """Forget what a job committed for one stream."""
        reason = failure_from(request.reason) if request.HasField("reason") else None
        job, work = await self._attempts.reset(_hold(request.job, request.epoch), request.stream_index, reason)
        return worker_pb2.ResetStreamResponse(stream=stream_work_to(job, work))

    async def ReportSchemaChange(
        self, request: worker_pb2.ReportSchemaChangeRequest, context: Context
    ) -> worker_pb2.ReportSchemaChangeResponse:
        """Store what changed in the schema of a stream."""
        columns = [ColumnChange(one.column, one.type_before, one.type_after) for one in request.columns]
        await self._attempts.schema_changed(_hold(request.job, request.epoch), request.stream_index, columns)
        return worker_pb2.ReportSchemaChangeResponse()

    async def FinishStream(
        self, request: worker_pb2.FinishStreamRequest, context: Context
    ) -> worker_pb2.FinishStreamResponse:
        """Store that a stream was transferred, failed or stopped."""
        failure = failure_from(request.failure) if request.HasField("failure") else None
        await self._attempts.finish_stream(
            _hold(request.job, request.epoch), request.stream_index, failure, request.ipc_schema
        )
        return worker_pb2.FinishStreamResponse()

    async def EndAttempt(
        self, request: worker_pb2.EndAttemptRequest, context: Context
    ) -> worker_pb2.EndAttemptResponse:
        """Close an attempt."""
        failure = failure_from(request.failure) if request.HasField("failure") else None
        await self._attempts.end(_hold(request.job, request.epoch), failure)
        return worker_pb2.EndAttemptResponse()

    async def BeginPublish(
        self, request: worker_pb2.BeginPublishRequest, context: Context
    ) -> worker_pb2.BeginPublishResponse:
        """Decide what a job publishes."""
        failure = failure_from(request.failure) if request.HasField("failure") else None
        return publication_to(await self._publications.begin(_id(request.job), failure, caller().name))

    async def FinishJob(self, request: worker_pb2.FinishJobRequest, context: Context) -> worker_pb2.FinishJobResponse:
        """Store the outcome of a job."""
        failure = failure_from(request.failure) if request.HasField("failure") else None
        state = await self._publications.finish(_id(request.job), request.epoch, failure, caller().name)
        return worker_pb2.FinishJobResponse(state=f"STATE_{state.name}")

    async def AppendLogs(
        self, request: worker_pb2.AppendLogsRequest, context: Context
    ) -> worker_pb2.AppendLogsResponse:
        """Append lines to the log of a job."""
        time = now()
        lines = [line_from(line, time) for line in request.lines]
        await self._attempts.append_logs(_id(request.job), lines, request.batch_id, caller().name)
        return worker_pb2.AppendLogsResponse()


class TaskService(worker_pb2_grpc.TaskServiceServicer):
    """Serves one-off tasks of connectors."""

    def __init__(self, tasks: ConnectorTasks) -> None:
        self._tasks = tasks

    async def GetTask(self, request: worker_pb2.GetTaskRequest, context: Context) -> worker_pb2.GetTaskResponse:
        """Return what to run."""
        return task_to(await self._tasks.take(request.task_id, caller().name))

    async def ReportTask(
        self, request: worker_pb2.ReportTaskRequest, context: Context
    ) -> worker_pb2.ReportTaskResponse:
        """Store how far a check has come."""
        await self._tasks.report(request.task_id, report_from(request), caller().name)
        return worker_pb2.ReportTaskResponse()

    async def CompleteTask(
        self, request: worker_pb2.CompleteTaskRequest, context: Context
    ) -> worker_pb2.CompleteTaskResponse:
        """Store the outcome of a task."""
        await self._tasks.complete(request.task_id, result_from(request), caller().name)
        return worker_pb2.CompleteTaskResponse()


def _id(job: str) -> str:
    return id_of("jobs", job, "job")


def _hold(job: str, epoch: int) -> Hold:
    return Hold(_id(job), epoch, caller().name)
