import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReadMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    READ_MODE_UNSPECIFIED: _ClassVar[ReadMode]
    READ_MODE_SNAPSHOT: _ClassVar[ReadMode]
    READ_MODE_INCREMENTAL: _ClassVar[ReadMode]
    READ_MODE_CHANGES: _ClassVar[ReadMode]

class WriteMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WRITE_MODE_UNSPECIFIED: _ClassVar[WriteMode]
    WRITE_MODE_APPEND: _ClassVar[WriteMode]
    WRITE_MODE_OVERWRITE: _ClassVar[WriteMode]
    WRITE_MODE_DEDUP: _ClassVar[WriteMode]
READ_MODE_UNSPECIFIED: ReadMode
READ_MODE_SNAPSHOT: ReadMode
READ_MODE_INCREMENTAL: ReadMode
READ_MODE_CHANGES: ReadMode
WRITE_MODE_UNSPECIFIED: WriteMode
WRITE_MODE_APPEND: WriteMode
WRITE_MODE_OVERWRITE: WriteMode
WRITE_MODE_DEDUP: WriteMode

class StreamName(_message.Message):
    __slots__ = ("namespace", "name")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    name: str
    def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class StreamDescriptor(_message.Message):
    __slots__ = ("name", "ipc_schema", "primary_key", "read_modes", "cursor_columns", "estimated_rows", "kind")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IPC_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    READ_MODES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_ROWS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    name: StreamName
    ipc_schema: bytes
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    read_modes: _containers.RepeatedScalarFieldContainer[ReadMode]
    cursor_columns: _containers.RepeatedScalarFieldContainer[str]
    estimated_rows: int
    kind: str
    def __init__(self, name: _Optional[_Union[StreamName, _Mapping]] = ..., ipc_schema: _Optional[bytes] = ..., primary_key: _Optional[_Iterable[str]] = ..., read_modes: _Optional[_Iterable[_Union[ReadMode, str]]] = ..., cursor_columns: _Optional[_Iterable[str]] = ..., estimated_rows: _Optional[int] = ..., kind: _Optional[str] = ...) -> None: ...

class SchemaAnnounce(_message.Message):
    __slots__ = ("stream", "schema_id", "ipc_schema", "primary_key")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    IPC_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    stream: int
    schema_id: int
    ipc_schema: bytes
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stream: _Optional[int] = ..., schema_id: _Optional[int] = ..., ipc_schema: _Optional[bytes] = ..., primary_key: _Optional[_Iterable[str]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("stream", "schema_id", "batch_seq", "rows", "crc32c", "ipc_messages")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    IPC_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    stream: int
    schema_id: int
    batch_seq: int
    rows: int
    crc32c: int
    ipc_messages: bytes
    def __init__(self, stream: _Optional[int] = ..., schema_id: _Optional[int] = ..., batch_seq: _Optional[int] = ..., rows: _Optional[int] = ..., crc32c: _Optional[int] = ..., ipc_messages: _Optional[bytes] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("checkpoint_seq", "stream", "state", "state_version", "up_to_batch_seq", "rows")
    CHECKPOINT_SEQ_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    UP_TO_BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    checkpoint_seq: int
    stream: int
    state: bytes
    state_version: int
    up_to_batch_seq: int
    rows: int
    def __init__(self, checkpoint_seq: _Optional[int] = ..., stream: _Optional[int] = ..., state: _Optional[bytes] = ..., state_version: _Optional[int] = ..., up_to_batch_seq: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class StreamStatus(_message.Message):
    __slots__ = ("stream", "state", "failure", "resume_at")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[StreamStatus.State]
        STATE_RUNNING: _ClassVar[StreamStatus.State]
        STATE_COMPLETE: _ClassVar[StreamStatus.State]
        STATE_INCOMPLETE: _ClassVar[StreamStatus.State]
        STATE_FAILED: _ClassVar[StreamStatus.State]
        STATE_WAITING: _ClassVar[StreamStatus.State]
    STATE_UNSPECIFIED: StreamStatus.State
    STATE_RUNNING: StreamStatus.State
    STATE_COMPLETE: StreamStatus.State
    STATE_INCOMPLETE: StreamStatus.State
    STATE_FAILED: StreamStatus.State
    STATE_WAITING: StreamStatus.State
    STREAM_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    RESUME_AT_FIELD_NUMBER: _ClassVar[int]
    stream: int
    state: StreamStatus.State
    failure: _status_pb2.Status
    resume_at: _timestamp_pb2.Timestamp
    def __init__(self, stream: _Optional[int] = ..., state: _Optional[_Union[StreamStatus.State, str]] = ..., failure: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., resume_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogEntry(_message.Message):
    __slots__ = ("level", "message", "attributes", "time")
    class Level(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LEVEL_UNSPECIFIED: _ClassVar[LogEntry.Level]
        LEVEL_DEBUG: _ClassVar[LogEntry.Level]
        LEVEL_INFO: _ClassVar[LogEntry.Level]
        LEVEL_WARN: _ClassVar[LogEntry.Level]
        LEVEL_ERROR: _ClassVar[LogEntry.Level]
    LEVEL_UNSPECIFIED: LogEntry.Level
    LEVEL_DEBUG: LogEntry.Level
    LEVEL_INFO: LogEntry.Level
    LEVEL_WARN: LogEntry.Level
    LEVEL_ERROR: LogEntry.Level
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    level: LogEntry.Level
    message: str
    attributes: _containers.ScalarMap[str, str]
    time: _timestamp_pb2.Timestamp
    def __init__(self, level: _Optional[_Union[LogEntry.Level, str]] = ..., message: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FailureInfo(_message.Message):
    __slots__ = ("owner", "user_message", "stream", "needs_reset")
    class Owner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OWNER_UNSPECIFIED: _ClassVar[FailureInfo.Owner]
        OWNER_USER: _ClassVar[FailureInfo.Owner]
        OWNER_REMOTE: _ClassVar[FailureInfo.Owner]
        OWNER_CONNECTOR: _ClassVar[FailureInfo.Owner]
        OWNER_PLATFORM: _ClassVar[FailureInfo.Owner]
    OWNER_UNSPECIFIED: FailureInfo.Owner
    OWNER_USER: FailureInfo.Owner
    OWNER_REMOTE: FailureInfo.Owner
    OWNER_CONNECTOR: FailureInfo.Owner
    OWNER_PLATFORM: FailureInfo.Owner
    OWNER_FIELD_NUMBER: _ClassVar[int]
    USER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    NEEDS_RESET_FIELD_NUMBER: _ClassVar[int]
    owner: FailureInfo.Owner
    user_message: str
    stream: StreamName
    needs_reset: bool
    def __init__(self, owner: _Optional[_Union[FailureInfo.Owner, str]] = ..., user_message: _Optional[str] = ..., stream: _Optional[_Union[StreamName, _Mapping]] = ..., needs_reset: bool = ...) -> None: ...
