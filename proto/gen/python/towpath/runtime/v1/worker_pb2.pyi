import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from towpath.connector.v1 import connector_pb2 as _connector_pb2
from towpath.connector.v1 import destination_pb2 as _destination_pb2
from towpath.control.v1 import connections_pb2 as _connections_pb2
from towpath.control.v1 import failures_pb2 as _failures_pb2
from towpath.control.v1 import jobs_pb2 as _jobs_pb2
from towpath.control.v1 import limits_pb2 as _limits_pb2
from towpath.control.v1 import previews_pb2 as _previews_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConnectorLaunch(_message.Message):
    __slots__ = ("connector", "command", "config_json", "spec", "image", "limits")
    CONNECTOR_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    connector: str
    command: _containers.RepeatedScalarFieldContainer[str]
    config_json: str
    spec: _connector_pb2.SpecResponse
    image: str
    limits: _limits_pb2.ContainerLimits
    def __init__(self, connector: _Optional[str] = ..., command: _Optional[_Iterable[str]] = ..., config_json: _Optional[str] = ..., spec: _Optional[_Union[_connector_pb2.SpecResponse, _Mapping]] = ..., image: _Optional[str] = ..., limits: _Optional[_Union[_limits_pb2.ContainerLimits, _Mapping]] = ...) -> None: ...

class StreamWork(_message.Message):
    __slots__ = ("stream_index", "stream", "state", "state_version", "commit_seq", "receipts", "generation_id", "minimum_generation_id", "last_ipc_schema", "rows_committed", "bytes_committed", "transferred")
    STREAM_INDEX_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    COMMIT_SEQ_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_IPC_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ROWS_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    BYTES_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    TRANSFERRED_FIELD_NUMBER: _ClassVar[int]
    stream_index: int
    stream: _connections_pb2.ConnectionStream
    state: bytes
    state_version: int
    commit_seq: int
    receipts: _containers.RepeatedScalarFieldContainer[bytes]
    generation_id: int
    minimum_generation_id: int
    last_ipc_schema: bytes
    rows_committed: int
    bytes_committed: int
    transferred: bool
    def __init__(self, stream_index: _Optional[int] = ..., stream: _Optional[_Union[_connections_pb2.ConnectionStream, _Mapping]] = ..., state: _Optional[bytes] = ..., state_version: _Optional[int] = ..., commit_seq: _Optional[int] = ..., receipts: _Optional[_Iterable[bytes]] = ..., generation_id: _Optional[int] = ..., minimum_generation_id: _Optional[int] = ..., last_ipc_schema: _Optional[bytes] = ..., rows_committed: _Optional[int] = ..., bytes_committed: _Optional[int] = ..., transferred: bool = ...) -> None: ...

class OpenJobRequest(_message.Message):
    __slots__ = ("connection", "run_id")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    connection: str
    run_id: str
    def __init__(self, connection: _Optional[str] = ..., run_id: _Optional[str] = ...) -> None: ...

class OpenJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: str
    def __init__(self, job: _Optional[str] = ...) -> None: ...

class BeginAttemptRequest(_message.Message):
    __slots__ = ("job", "worker", "run_id", "try_number")
    JOB_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TRY_NUMBER_FIELD_NUMBER: _ClassVar[int]
    job: str
    worker: str
    run_id: str
    try_number: int
    def __init__(self, job: _Optional[str] = ..., worker: _Optional[str] = ..., run_id: _Optional[str] = ..., try_number: _Optional[int] = ...) -> None: ...

class BeginAttemptResponse(_message.Message):
    __slots__ = ("epoch", "kind", "source", "destination", "streams", "settings", "schema_change_policy", "lease", "connection")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_CHANGE_POLICY_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    kind: _jobs_pb2.Job.Kind
    source: ConnectorLaunch
    destination: ConnectorLaunch
    streams: _containers.RepeatedCompositeFieldContainer[StreamWork]
    settings: _connections_pb2.ConnectionSettings
    schema_change_policy: _connections_pb2.Connection.SchemaChangePolicy
    lease: _duration_pb2.Duration
    connection: str
    def __init__(self, epoch: _Optional[int] = ..., kind: _Optional[_Union[_jobs_pb2.Job.Kind, str]] = ..., source: _Optional[_Union[ConnectorLaunch, _Mapping]] = ..., destination: _Optional[_Union[ConnectorLaunch, _Mapping]] = ..., streams: _Optional[_Iterable[_Union[StreamWork, _Mapping]]] = ..., settings: _Optional[_Union[_connections_pb2.ConnectionSettings, _Mapping]] = ..., schema_change_policy: _Optional[_Union[_connections_pb2.Connection.SchemaChangePolicy, str]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., connection: _Optional[str] = ...) -> None: ...

class StreamCounters(_message.Message):
    __slots__ = ("stream_index", "progress", "estimated_rows")
    STREAM_INDEX_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_ROWS_FIELD_NUMBER: _ClassVar[int]
    stream_index: int
    progress: _jobs_pb2.Progress
    estimated_rows: int
    def __init__(self, stream_index: _Optional[int] = ..., progress: _Optional[_Union[_jobs_pb2.Progress, _Mapping]] = ..., estimated_rows: _Optional[int] = ...) -> None: ...

class ReportProgressRequest(_message.Message):
    __slots__ = ("job", "epoch", "streams")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    streams: _containers.RepeatedCompositeFieldContainer[StreamCounters]
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., streams: _Optional[_Iterable[_Union[StreamCounters, _Mapping]]] = ...) -> None: ...

class ReportProgressResponse(_message.Message):
    __slots__ = ("cancel_requested",)
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    cancel_requested: bool
    def __init__(self, cancel_requested: bool = ...) -> None: ...

class CommitStreamRequest(_message.Message):
    __slots__ = ("job", "epoch", "stream_index", "commit_seq", "state", "state_version", "receipt", "rows", "bytes", "ipc_schema")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAM_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMIT_SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    IPC_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    stream_index: int
    commit_seq: int
    state: bytes
    state_version: int
    receipt: bytes
    rows: int
    bytes: int
    ipc_schema: bytes
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., stream_index: _Optional[int] = ..., commit_seq: _Optional[int] = ..., state: _Optional[bytes] = ..., state_version: _Optional[int] = ..., receipt: _Optional[bytes] = ..., rows: _Optional[int] = ..., bytes: _Optional[int] = ..., ipc_schema: _Optional[bytes] = ...) -> None: ...

class CommitStreamResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResetStreamRequest(_message.Message):
    __slots__ = ("job", "epoch", "stream_index", "reason")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAM_INDEX_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    stream_index: int
    reason: _failures_pb2.Failure
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., stream_index: _Optional[int] = ..., reason: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ...) -> None: ...

class ResetStreamResponse(_message.Message):
    __slots__ = ("stream",)
    STREAM_FIELD_NUMBER: _ClassVar[int]
    stream: StreamWork
    def __init__(self, stream: _Optional[_Union[StreamWork, _Mapping]] = ...) -> None: ...

class ReportSchemaChangeRequest(_message.Message):
    __slots__ = ("job", "epoch", "stream_index", "columns")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAM_INDEX_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    stream_index: int
    columns: _containers.RepeatedCompositeFieldContainer[_connections_pb2.ColumnChange]
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., stream_index: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[_connections_pb2.ColumnChange, _Mapping]]] = ...) -> None: ...

class ReportSchemaChangeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FinishStreamRequest(_message.Message):
    __slots__ = ("job", "epoch", "stream_index", "failure", "ipc_schema")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAM_INDEX_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    IPC_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    stream_index: int
    failure: _failures_pb2.Failure
    ipc_schema: bytes
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., stream_index: _Optional[int] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ..., ipc_schema: _Optional[bytes] = ...) -> None: ...

class FinishStreamResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndAttemptRequest(_message.Message):
    __slots__ = ("job", "epoch", "failure")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    failure: _failures_pb2.Failure
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ...) -> None: ...

class EndAttemptResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BeginPublishRequest(_message.Message):
    __slots__ = ("job", "failure")
    JOB_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    job: str
    failure: _failures_pb2.Failure
    def __init__(self, job: _Optional[str] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ...) -> None: ...

class BeginPublishResponse(_message.Message):
    __slots__ = ("epoch", "destination", "receipts", "completed_streams")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    destination: ConnectorLaunch
    receipts: _containers.RepeatedScalarFieldContainer[bytes]
    completed_streams: _containers.RepeatedCompositeFieldContainer[_destination_pb2.WriteStream]
    def __init__(self, epoch: _Optional[int] = ..., destination: _Optional[_Union[ConnectorLaunch, _Mapping]] = ..., receipts: _Optional[_Iterable[bytes]] = ..., completed_streams: _Optional[_Iterable[_Union[_destination_pb2.WriteStream, _Mapping]]] = ...) -> None: ...

class FinishJobRequest(_message.Message):
    __slots__ = ("job", "epoch", "failure")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    failure: _failures_pb2.Failure
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ...) -> None: ...

class FinishJobResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _jobs_pb2.Job.State
    def __init__(self, state: _Optional[_Union[_jobs_pb2.Job.State, str]] = ...) -> None: ...

class AppendLogsRequest(_message.Message):
    __slots__ = ("job", "lines", "batch_id")
    JOB_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    job: str
    lines: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.LogLine]
    batch_id: str
    def __init__(self, job: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[_jobs_pb2.LogLine, _Mapping]]] = ..., batch_id: _Optional[str] = ...) -> None: ...

class AppendLogsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTaskRequest(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class GetTaskResponse(_message.Message):
    __slots__ = ("kind", "connector", "deadline", "streams", "max_rows")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[GetTaskResponse.Kind]
        KIND_SPEC: _ClassVar[GetTaskResponse.Kind]
        KIND_CHECK: _ClassVar[GetTaskResponse.Kind]
        KIND_DISCOVER: _ClassVar[GetTaskResponse.Kind]
        KIND_PREVIEW: _ClassVar[GetTaskResponse.Kind]
        KIND_PLAN: _ClassVar[GetTaskResponse.Kind]
    KIND_UNSPECIFIED: GetTaskResponse.Kind
    KIND_SPEC: GetTaskResponse.Kind
    KIND_CHECK: GetTaskResponse.Kind
    KIND_DISCOVER: GetTaskResponse.Kind
    KIND_PREVIEW: GetTaskResponse.Kind
    KIND_PLAN: GetTaskResponse.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONNECTOR_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    kind: GetTaskResponse.Kind
    connector: ConnectorLaunch
    deadline: _timestamp_pb2.Timestamp
    streams: _containers.RepeatedCompositeFieldContainer[TaskStream]
    max_rows: int
    def __init__(self, kind: _Optional[_Union[GetTaskResponse.Kind, str]] = ..., connector: _Optional[_Union[ConnectorLaunch, _Mapping]] = ..., deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., streams: _Optional[_Iterable[_Union[TaskStream, _Mapping]]] = ..., max_rows: _Optional[int] = ...) -> None: ...

class TaskStream(_message.Message):
    __slots__ = ("stream", "ipc_schema")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    IPC_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    stream: _connections_pb2.ConnectionStream
    ipc_schema: bytes
    def __init__(self, stream: _Optional[_Union[_connections_pb2.ConnectionStream, _Mapping]] = ..., ipc_schema: _Optional[bytes] = ...) -> None: ...

class ReportTaskRequest(_message.Message):
    __slots__ = ("task_id", "results", "running")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    results: _containers.RepeatedCompositeFieldContainer[_connector_pb2.CheckResult]
    running: str
    def __init__(self, task_id: _Optional[str] = ..., results: _Optional[_Iterable[_Union[_connector_pb2.CheckResult, _Mapping]]] = ..., running: _Optional[str] = ...) -> None: ...

class ReportTaskResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompleteTaskRequest(_message.Message):
    __slots__ = ("task_id", "failure", "spec", "check", "catalog", "preview", "plan")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    failure: _failures_pb2.Failure
    spec: _connector_pb2.SpecResponse
    check: _connector_pb2.CheckResponse
    catalog: _connector_pb2.DiscoverResponse
    preview: _previews_pb2.StreamPreview
    plan: _connections_pb2.PlanConnectionResponse
    def __init__(self, task_id: _Optional[str] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ..., spec: _Optional[_Union[_connector_pb2.SpecResponse, _Mapping]] = ..., check: _Optional[_Union[_connector_pb2.CheckResponse, _Mapping]] = ..., catalog: _Optional[_Union[_connector_pb2.DiscoverResponse, _Mapping]] = ..., preview: _Optional[_Union[_previews_pb2.StreamPreview, _Mapping]] = ..., plan: _Optional[_Union[_connections_pb2.PlanConnectionResponse, _Mapping]] = ...) -> None: ...

class CompleteTaskResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
