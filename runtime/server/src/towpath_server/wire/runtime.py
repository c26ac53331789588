"""What workers ask and tell."""

from __future__ import annotations

from collections.abc import Sequence

from towpath.connector.v1 import connector_pb2, destination_pb2
from towpath.control.v1 import failures_pb2
from towpath.runtime.v1 import worker_pb2

from towpath_server.domain.job import Job, JobKind, JobStream
from towpath_server.domain.task import Launch, Task, TaskReport, TaskResult
from towpath_server.use_cases.attempts import Commit, Counters, StreamWork, Work
from towpath_server.use_cases.publications import Publication
from towpath_server.wire.common import failure_from, name_to, time_to
from towpath_server.wire.connections import duration_to, selection_to, settings_to
from towpath_server.wire.limits import limits_to

__all__ = [
    "commit_from",
    "counters_from",
    "publication_to",
    "report_from",
    "result_from",
    "stream_work_to",
    "task_to",
    "work_to",
]

_ANSWERS = ("spec", "check", "catalog", "preview", "plan")


def work_to(work: Work) -> worker_pb2.BeginAttemptResponse:
    """Encode the work of an attempt."""
    job = work.job
    return worker_pb2.BeginAttemptResponse(
        epoch=job.epoch,
        kind=f"KIND_{job.kind.name}",
        source=None if work.source is None else _launch_to(work.source),
        destination=_launch_to(work.destination),
        streams=[stream_work_to(job, stream) for stream in work.streams],
        settings=settings_to(job.settings),
        schema_change_policy=f"SCHEMA_CHANGE_POLICY_{job.schema_change_policy.name}",
        lease=duration_to(work.lease),
        connection=f"connections/{job.connection}",
    )


def stream_work_to(job: Job, work: StreamWork) -> worker_pb2.StreamWork:
    """Encode what is left to do for one stream."""
    stream = work.stream
    committed = stream.commit_seq > 0
    return worker_pb2.StreamWork(
        stream_index=stream.index,
        stream=selection_to(stream.selection),
        state=stream.committed_state if committed else stream.base_state,
        state_version=stream.committed_state_version if committed else stream.base_state_version,
        commit_seq=stream.commit_seq,
        receipts=work.receipts,
        generation_id=stream.generation,
        minimum_generation_id=stream.minimum_generation,
        last_ipc_schema=stream.base_ipc_schema,
        rows_committed=stream.rows_committed,
        bytes_committed=stream.bytes_committed,
        transferred=work.transferred or job.publish_epoch is not None or job.kind is JobKind.CLEAR,
    )


def publication_to(publication: Publication) -> worker_pb2.BeginPublishResponse:
    """Encode what to publish."""
    return worker_pb2.BeginPublishResponse(
        epoch=publication.epoch,
        destination=_launch_to(publication.destination),
        receipts=publication.receipts,
        completed_streams=[_write_stream_to(stream) for stream in publication.completed],
    )


def counters_from(messages: Sequence[worker_pb2.StreamCounters]) -> Sequence[Counters]:
    """Decode the counters of a report."""
    return [
        Counters(
            index=message.stream_index,
            rows_read=message.progress.rows_read,
            bytes_read=message.progress.bytes_read,
            rows_rejected=message.progress.rows_rejected,
            estimated_rows=message.estimated_rows if message.HasField("estimated_rows") else None,
        )
        for message in messages
    ]


def commit_from(message: worker_pb2.CommitStreamRequest) -> Commit:
    """Decode a commit."""
    return Commit(
        index=message.stream_index,
        commit_seq=message.commit_seq,
        state=message.state,
        state_version=message.state_version,
        receipt=message.receipt,
        rows=message.rows,
        size=message.bytes,
        ipc_schema=message.ipc_schema,
    )


def task_to(task: Task) -> worker_pb2.GetTaskResponse:
    """Encode a connector task."""
    schemas = task.work.ipc_schemas or (b"",) * len(task.work.streams)
    return worker_pb2.GetTaskResponse(
        kind=f"KIND_{task.kind.name}",
        connector=_launch_to(task.launch),
        deadline=time_to(task.deadline),
        streams=[
            worker_pb2.TaskStream(stream=selection_to(selection), ipc_schema=schema)
            for selection, schema in zip(task.work.streams, schemas, strict=True)
        ],
        max_rows=task.work.max_rows,
    )


def report_from(message: worker_pb2.ReportTaskRequest) -> TaskReport:
    """Decode how far a check has come."""
    return TaskReport(connector_pb2.CheckResponse(results=message.results).SerializeToString(), message.running)


def result_from(message: worker_pb2.CompleteTaskRequest) -> TaskResult:
    """Decode the outcome of a task; of one that says nothing, a failure."""
    if message.HasField("failure"):
        return TaskResult(failure_from(message.failure), b"")
    answer = next((value for field, value in message.ListFields() if field.name in _ANSWERS), None)
    if answer is not None:
        return TaskResult(None, answer.SerializeToString())
    empty = failures_pb2.Failure(
        kind="KIND_BUG",
        reason="EMPTY_RESULT",
        message="the worker completed the task without an outcome",
        origin="worker",
    )
    return TaskResult(failure_from(empty), b"")


def _launch_to(launch: Launch) -> worker_pb2.ConnectorLaunch:
    return worker_pb2.ConnectorLaunch(
        connector=launch.connector,
        command=launch.program.command,
        image=launch.program.image,
        limits=limits_to(launch.program.limits),
        config_json=launch.config_json,
        spec=connector_pb2.SpecResponse.FromString(launch.spec) if launch.spec else None,
    )


def _write_stream_to(stream: JobStream) -> destination_pb2.WriteStream:
    selection = stream.selection
    return destination_pb2.WriteStream(
        name=name_to(selection.name),
        mode=f"WRITE_MODE_{selection.write_mode.name}",
        primary_key=selection.primary_key,
        generation_id=stream.generation,
        minimum_generation_id=stream.minimum_generation,
    )
