from towpath.connector.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReadStream(_message.Message):
    __slots__ = ("name", "mode", "columns", "cursor_column", "state", "state_version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_COLUMN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    name: _types_pb2.StreamName
    mode: _types_pb2.ReadMode
    columns: _containers.RepeatedScalarFieldContainer[str]
    cursor_column: str
    state: bytes
    state_version: int
    def __init__(self, name: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., mode: _Optional[_Union[_types_pb2.ReadMode, str]] = ..., columns: _Optional[_Iterable[str]] = ..., cursor_column: _Optional[str] = ..., state: _Optional[bytes] = ..., state_version: _Optional[int] = ...) -> None: ...

class PlanReadRequest(_message.Message):
    __slots__ = ("config_json", "streams", "target_splits")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    TARGET_SPLITS_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    streams: _containers.RepeatedCompositeFieldContainer[ReadStream]
    target_splits: int
    def __init__(self, config_json: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[ReadStream, _Mapping]]] = ..., target_splits: _Optional[int] = ...) -> None: ...

class PlanReadResponse(_message.Message):
    __slots__ = ("splits",)
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    splits: _containers.RepeatedCompositeFieldContainer[Split]
    def __init__(self, splits: _Optional[_Iterable[_Union[Split, _Mapping]]] = ...) -> None: ...

class Split(_message.Message):
    __slots__ = ("split_id", "token", "estimated_bytes", "stream")
    SPLIT_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_BYTES_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    split_id: str
    token: bytes
    estimated_bytes: int
    stream: int
    def __init__(self, split_id: _Optional[str] = ..., token: _Optional[bytes] = ..., estimated_bytes: _Optional[int] = ..., stream: _Optional[int] = ...) -> None: ...

class ReadRequest(_message.Message):
    __slots__ = ("open", "ack", "drain")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    open: ReadOpen
    ack: ReadAck
    drain: ReadDrain
    def __init__(self, open: _Optional[_Union[ReadOpen, _Mapping]] = ..., ack: _Optional[_Union[ReadAck, _Mapping]] = ..., drain: _Optional[_Union[ReadDrain, _Mapping]] = ...) -> None: ...

class ReadOpen(_message.Message):
    __slots__ = ("config_json", "streams", "split", "shared_state", "attempt", "shared_state_version")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    SHARED_STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SHARED_STATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    streams: _containers.RepeatedCompositeFieldContainer[ReadStream]
    split: Split
    shared_state: bytes
    attempt: int
    shared_state_version: int
    def __init__(self, config_json: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[ReadStream, _Mapping]]] = ..., split: _Optional[_Union[Split, _Mapping]] = ..., shared_state: _Optional[bytes] = ..., attempt: _Optional[int] = ..., shared_state_version: _Optional[int] = ...) -> None: ...

class ReadAck(_message.Message):
    __slots__ = ("checkpoint_seq",)
    CHECKPOINT_SEQ_FIELD_NUMBER: _ClassVar[int]
    checkpoint_seq: int
    def __init__(self, checkpoint_seq: _Optional[int] = ...) -> None: ...

class ReadDrain(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadResponse(_message.Message):
    __slots__ = ("opened", "schema", "batch", "checkpoint", "status", "log", "finished")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    opened: ReadOpened
    schema: _types_pb2.SchemaAnnounce
    batch: _types_pb2.Batch
    checkpoint: _types_pb2.Checkpoint
    status: _types_pb2.StreamStatus
    log: _types_pb2.LogEntry
    finished: ReadFinished
    def __init__(self, opened: _Optional[_Union[ReadOpened, _Mapping]] = ..., schema: _Optional[_Union[_types_pb2.SchemaAnnounce, _Mapping]] = ..., batch: _Optional[_Union[_types_pb2.Batch, _Mapping]] = ..., checkpoint: _Optional[_Union[_types_pb2.Checkpoint, _Mapping]] = ..., status: _Optional[_Union[_types_pb2.StreamStatus, _Mapping]] = ..., log: _Optional[_Union[_types_pb2.LogEntry, _Mapping]] = ..., finished: _Optional[_Union[ReadFinished, _Mapping]] = ...) -> None: ...

class ReadOpened(_message.Message):
    __slots__ = ("wants_acks",)
    WANTS_ACKS_FIELD_NUMBER: _ClassVar[int]
    wants_acks: bool
    def __init__(self, wants_acks: bool = ...) -> None: ...

class ReadFinished(_message.Message):
    __slots__ = ("last_checkpoint_seq",)
    LAST_CHECKPOINT_SEQ_FIELD_NUMBER: _ClassVar[int]
    last_checkpoint_seq: int
    def __init__(self, last_checkpoint_seq: _Optional[int] = ...) -> None: ...
