import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from towpath.connector.v1 import destination_pb2 as _destination_pb2
from towpath.connector.v1 import types_pb2 as _types_pb2
from towpath.control.v1 import failures_pb2 as _failures_pb2
from towpath.control.v1 import jobs_pb2 as _jobs_pb2
from towpath.control.v1 import limits_pb2 as _limits_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Connection(_message.Message):
    __slots__ = ("name", "source", "destination", "streams", "schedule", "paused", "schema_change_policy", "settings", "last_job", "next_run_time", "create_time", "update_time", "etag")
    class SchemaChangePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SCHEMA_CHANGE_POLICY_UNSPECIFIED: _ClassVar[Connection.SchemaChangePolicy]
        SCHEMA_CHANGE_POLICY_PROPAGATE: _ClassVar[Connection.SchemaChangePolicy]
        SCHEMA_CHANGE_POLICY_FAIL: _ClassVar[Connection.SchemaChangePolicy]
    SCHEMA_CHANGE_POLICY_UNSPECIFIED: Connection.SchemaChangePolicy
    SCHEMA_CHANGE_POLICY_PROPAGATE: Connection.SchemaChangePolicy
    SCHEMA_CHANGE_POLICY_FAIL: Connection.SchemaChangePolicy
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_CHANGE_POLICY_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    LAST_JOB_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    source: str
    destination: str
    streams: _containers.RepeatedCompositeFieldContainer[ConnectionStream]
    schedule: Schedule
    paused: bool
    schema_change_policy: Connection.SchemaChangePolicy
    settings: ConnectionSettings
    last_job: _jobs_pb2.Job
    next_run_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., source: _Optional[str] = ..., destination: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[ConnectionStream, _Mapping]]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., paused: bool = ..., schema_change_policy: _Optional[_Union[Connection.SchemaChangePolicy, str]] = ..., settings: _Optional[_Union[ConnectionSettings, _Mapping]] = ..., last_job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ..., next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class ConnectionStream(_message.Message):
    __slots__ = ("name", "read_mode", "write_mode", "columns", "cursor_column", "primary_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    READ_MODE_FIELD_NUMBER: _ClassVar[int]
    WRITE_MODE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_COLUMN_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    name: _types_pb2.StreamName
    read_mode: _types_pb2.ReadMode
    write_mode: _types_pb2.WriteMode
    columns: _containers.RepeatedScalarFieldContainer[str]
    cursor_column: str
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., read_mode: _Optional[_Union[_types_pb2.ReadMode, str]] = ..., write_mode: _Optional[_Union[_types_pb2.WriteMode, str]] = ..., columns: _Optional[_Iterable[str]] = ..., cursor_column: _Optional[str] = ..., primary_key: _Optional[_Iterable[str]] = ...) -> None: ...

class ConnectionSettings(_message.Message):
    __slots__ = ("max_parallel_streams", "commit_bytes", "commit_interval", "max_attempts", "source_limits", "destination_limits")
    MAX_PARALLEL_STREAMS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    COMMIT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_LIMITS_FIELD_NUMBER: _ClassVar[int]
    max_parallel_streams: int
    commit_bytes: int
    commit_interval: _duration_pb2.Duration
    max_attempts: int
    source_limits: _limits_pb2.ContainerLimits
    destination_limits: _limits_pb2.ContainerLimits
    def __init__(self, max_parallel_streams: _Optional[int] = ..., commit_bytes: _Optional[int] = ..., commit_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_attempts: _Optional[int] = ..., source_limits: _Optional[_Union[_limits_pb2.ContainerLimits, _Mapping]] = ..., destination_limits: _Optional[_Union[_limits_pb2.ContainerLimits, _Mapping]] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("interval", "cron")
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CRON_FIELD_NUMBER: _ClassVar[int]
    interval: _duration_pb2.Duration
    cron: CronSchedule
    def __init__(self, interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cron: _Optional[_Union[CronSchedule, _Mapping]] = ...) -> None: ...

class CronSchedule(_message.Message):
    __slots__ = ("expression", "time_zone")
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    expression: str
    time_zone: str
    def __init__(self, expression: _Optional[str] = ..., time_zone: _Optional[str] = ...) -> None: ...

class StreamState(_message.Message):
    __slots__ = ("name", "state", "state_version", "generation_id", "update_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: _types_pb2.StreamName
    state: bytes
    state_version: int
    generation_id: int
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., state: _Optional[bytes] = ..., state_version: _Optional[int] = ..., generation_id: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class CreateConnectionRequest(_message.Message):
    __slots__ = ("connection_id", "connection", "request_id")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    connection_id: str
    connection: Connection
    request_id: str
    def __init__(self, connection_id: _Optional[str] = ..., connection: _Optional[_Union[Connection, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateConnectionResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ...) -> None: ...

class GetConnectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetConnectionResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ...) -> None: ...

class ListConnectionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListConnectionsResponse(_message.Message):
    __slots__ = ("connections", "next_page_token")
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    connections: _containers.RepeatedCompositeFieldContainer[Connection]
    next_page_token: str
    def __init__(self, connections: _Optional[_Iterable[_Union[Connection, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateConnectionRequest(_message.Message):
    __slots__ = ("connection", "update_mask")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateConnectionResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ...) -> None: ...

class DeleteConnectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteConnectionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SyncConnectionRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SyncConnectionResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _jobs_pb2.Job
    def __init__(self, job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ...) -> None: ...

class RefreshConnectionRequest(_message.Message):
    __slots__ = ("name", "streams", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    streams: _containers.RepeatedCompositeFieldContainer[_types_pb2.StreamName]
    request_id: str
    def __init__(self, name: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[_types_pb2.StreamName, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RefreshConnectionResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _jobs_pb2.Job
    def __init__(self, job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ...) -> None: ...

class ClearConnectionRequest(_message.Message):
    __slots__ = ("name", "streams", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    streams: _containers.RepeatedCompositeFieldContainer[_types_pb2.StreamName]
    request_id: str
    def __init__(self, name: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[_types_pb2.StreamName, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ClearConnectionResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _jobs_pb2.Job
    def __init__(self, job: _Optional[_Union[_jobs_pb2.Job, _Mapping]] = ...) -> None: ...

class PauseConnectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PauseConnectionResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ...) -> None: ...

class ResumeConnectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumeConnectionResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ...) -> None: ...

class ListStreamStatesRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListStreamStatesResponse(_message.Message):
    __slots__ = ("states",)
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedCompositeFieldContainer[StreamState]
    def __init__(self, states: _Optional[_Iterable[_Union[StreamState, _Mapping]]] = ...) -> None: ...

class ResetStreamStateRequest(_message.Message):
    __slots__ = ("name", "stream")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    name: str
    stream: _types_pb2.StreamName
    def __init__(self, name: _Optional[str] = ..., stream: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ...) -> None: ...

class ResetStreamStateResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: StreamState
    def __init__(self, state: _Optional[_Union[StreamState, _Mapping]] = ...) -> None: ...

class UpdateStreamStateRequest(_message.Message):
    __slots__ = ("name", "stream", "state", "state_version", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    stream: _types_pb2.StreamName
    state: bytes
    state_version: int
    etag: str
    def __init__(self, name: _Optional[str] = ..., stream: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., state: _Optional[bytes] = ..., state_version: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...

class UpdateStreamStateResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: StreamState
    def __init__(self, state: _Optional[_Union[StreamState, _Mapping]] = ...) -> None: ...

class SchemaChange(_message.Message):
    __slots__ = ("job", "stream", "time", "policy", "columns")
    JOB_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    job: str
    stream: _types_pb2.StreamName
    time: _timestamp_pb2.Timestamp
    policy: Connection.SchemaChangePolicy
    columns: _containers.RepeatedCompositeFieldContainer[ColumnChange]
    def __init__(self, job: _Optional[str] = ..., stream: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., policy: _Optional[_Union[Connection.SchemaChangePolicy, str]] = ..., columns: _Optional[_Iterable[_Union[ColumnChange, _Mapping]]] = ...) -> None: ...

class ColumnChange(_message.Message):
    __slots__ = ("column", "type_before", "type_after")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    TYPE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    TYPE_AFTER_FIELD_NUMBER: _ClassVar[int]
    column: str
    type_before: str
    type_after: str
    def __init__(self, column: _Optional[str] = ..., type_before: _Optional[str] = ..., type_after: _Optional[str] = ...) -> None: ...

class ListSchemaChangesRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSchemaChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[SchemaChange]
    next_page_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[SchemaChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StreamPlan(_message.Message):
    __slots__ = ("name", "location", "columns", "failure")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    name: _types_pb2.StreamName
    location: str
    columns: _containers.RepeatedCompositeFieldContainer[_destination_pb2.ColumnPlan]
    failure: _failures_pb2.Failure
    def __init__(self, name: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., location: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[_destination_pb2.ColumnPlan, _Mapping]]] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ...) -> None: ...

class PlanConnectionRequest(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: Connection
    def __init__(self, connection: _Optional[_Union[Connection, _Mapping]] = ...) -> None: ...

class PlanConnectionResponse(_message.Message):
    __slots__ = ("streams",)
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[StreamPlan]
    def __init__(self, streams: _Optional[_Iterable[_Union[StreamPlan, _Mapping]]] = ...) -> None: ...
