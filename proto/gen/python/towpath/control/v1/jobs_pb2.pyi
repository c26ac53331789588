import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from towpath.connector.v1 import types_pb2 as _types_pb2
from towpath.control.v1 import failures_pb2 as _failures_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Job(_message.Message):
    __slots__ = ("name", "connection", "kind", "state", "trigger", "attempts", "streams", "total", "failure", "create_time", "start_time", "end_time")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Job.Kind]
        KIND_SYNC: _ClassVar[Job.Kind]
        KIND_REFRESH: _ClassVar[Job.Kind]
        KIND_CLEAR: _ClassVar[Job.Kind]
    KIND_UNSPECIFIED: Job.Kind
    KIND_SYNC: Job.Kind
    KIND_REFRESH: Job.Kind
    KIND_CLEAR: Job.Kind
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Job.State]
        STATE_QUEUED: _ClassVar[Job.State]
        STATE_RUNNING: _ClassVar[Job.State]
        STATE_CANCELLING: _ClassVar[Job.State]
        STATE_SUCCEEDED: _ClassVar[Job.State]
        STATE_FAILED: _ClassVar[Job.State]
        STATE_CANCELLED: _ClassVar[Job.State]
    STATE_UNSPECIFIED: Job.State
    STATE_QUEUED: Job.State
    STATE_RUNNING: Job.State
    STATE_CANCELLING: Job.State
    STATE_SUCCEEDED: Job.State
    STATE_FAILED: Job.State
    STATE_CANCELLED: Job.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    connection: str
    kind: Job.Kind
    state: Job.State
    trigger: str
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    streams: _containers.RepeatedCompositeFieldContainer[StreamProgress]
    total: Progress
    failure: _failures_pb2.Failure
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., connection: _Optional[str] = ..., kind: _Optional[_Union[Job.Kind, str]] = ..., state: _Optional[_Union[Job.State, str]] = ..., trigger: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., streams: _Optional[_Iterable[_Union[StreamProgress, _Mapping]]] = ..., total: _Optional[_Union[Progress, _Mapping]] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("number", "worker", "start_time", "end_time", "failure")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    number: int
    worker: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    failure: _failures_pb2.Failure
    def __init__(self, number: _Optional[int] = ..., worker: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("rows_read", "bytes_read", "rows_committed", "bytes_committed", "commits", "rows_per_second", "bytes_per_second", "rows_rejected")
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    ROWS_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    BYTES_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    COMMITS_FIELD_NUMBER: _ClassVar[int]
    ROWS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    rows_read: int
    bytes_read: int
    rows_committed: int
    bytes_committed: int
    commits: int
    rows_per_second: float
    bytes_per_second: float
    rows_rejected: int
    def __init__(self, rows_read: _Optional[int] = ..., bytes_read: _Optional[int] = ..., rows_committed: _Optional[int] = ..., bytes_committed: _Optional[int] = ..., commits: _Optional[int] = ..., rows_per_second: _Optional[float] = ..., bytes_per_second: _Optional[float] = ..., rows_rejected: _Optional[int] = ...) -> None: ...

class StreamProgress(_message.Message):
    __slots__ = ("name", "state", "progress", "estimated_rows", "failure", "generation_id", "recent_commits")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[StreamProgress.State]
        STATE_PENDING: _ClassVar[StreamProgress.State]
        STATE_RUNNING: _ClassVar[StreamProgress.State]
        STATE_TRANSFERRED: _ClassVar[StreamProgress.State]
        STATE_SUCCEEDED: _ClassVar[StreamProgress.State]
        STATE_FAILED: _ClassVar[StreamProgress.State]
        STATE_CANCELLED: _ClassVar[StreamProgress.State]
    STATE_UNSPECIFIED: StreamProgress.State
    STATE_PENDING: StreamProgress.State
    STATE_RUNNING: StreamProgress.State
    STATE_TRANSFERRED: StreamProgress.State
    STATE_SUCCEEDED: StreamProgress.State
    STATE_FAILED: StreamProgress.State
    STATE_CANCELLED: StreamProgress.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_ROWS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECENT_COMMITS_FIELD_NUMBER: _ClassVar[int]
    name: _types_pb2.StreamName
    state: StreamProgress.State
    progress: Progress
    estimated_rows: int
    failure: _failures_pb2.Failure
    generation_id: int
    recent_commits: _containers.RepeatedCompositeFieldContainer[CommitMark]
    def __init__(self, name: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., state: _Optional[_Union[StreamProgress.State, str]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., estimated_rows: _Optional[int] = ..., failure: _Optional[_Union[_failures_pb2.Failure, _Mapping]] = ..., generation_id: _Optional[int] = ..., recent_commits: _Optional[_Iterable[_Union[CommitMark, _Mapping]]] = ...) -> None: ...

class CommitMark(_message.Message):
    __slots__ = ("rows", "time")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    rows: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, rows: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("seq", "time", "level", "origin", "message", "attributes", "stream", "attempt")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    seq: int
    time: _timestamp_pb2.Timestamp
    level: _types_pb2.LogEntry.Level
    origin: str
    message: str
    attributes: _containers.ScalarMap[str, str]
    stream: _types_pb2.StreamName
    attempt: int
    def __init__(self, seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., level: _Optional[_Union[_types_pb2.LogEntry.Level, str]] = ..., origin: _Optional[str] = ..., message: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., stream: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., attempt: _Optional[int] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("connection", "page_size", "page_token")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    connection: str
    page_size: int
    page_token: str
    def __init__(self, connection: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class TailLogsRequest(_message.Message):
    __slots__ = ("name", "after_seq", "follow", "minimum_level")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_LEVEL_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_seq: int
    follow: bool
    minimum_level: _types_pb2.LogEntry.Level
    def __init__(self, name: _Optional[str] = ..., after_seq: _Optional[int] = ..., follow: bool = ..., minimum_level: _Optional[_Union[_types_pb2.LogEntry.Level, str]] = ...) -> None: ...

class TailLogsResponse(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    def __init__(self, lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ...) -> None: ...
