from google.rpc import status_pb2 as _status_pb2
from towpath.connector.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WriteStream(_message.Message):
    __slots__ = ("name", "mode", "primary_key", "generation_id", "minimum_generation_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    name: _types_pb2.StreamName
    mode: _types_pb2.WriteMode
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    generation_id: int
    minimum_generation_id: int
    def __init__(self, name: _Optional[_Union[_types_pb2.StreamName, _Mapping]] = ..., mode: _Optional[_Union[_types_pb2.WriteMode, str]] = ..., primary_key: _Optional[_Iterable[str]] = ..., generation_id: _Optional[int] = ..., minimum_generation_id: _Optional[int] = ...) -> None: ...

class PrepareWriteRequest(_message.Message):
    __slots__ = ("config_json", "write_id", "streams", "schemas", "dry_run")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    WRITE_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    write_id: str
    streams: _containers.RepeatedCompositeFieldContainer[WriteStream]
    schemas: _containers.RepeatedCompositeFieldContainer[_types_pb2.SchemaAnnounce]
    dry_run: bool
    def __init__(self, config_json: _Optional[str] = ..., write_id: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[WriteStream, _Mapping]]] = ..., schemas: _Optional[_Iterable[_Union[_types_pb2.SchemaAnnounce, _Mapping]]] = ..., dry_run: bool = ...) -> None: ...

class PrepareWriteResponse(_message.Message):
    __slots__ = ("columns", "locations")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    LOCATIONS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnPlan]
    locations: _containers.RepeatedCompositeFieldContainer[StreamLocation]
    def __init__(self, columns: _Optional[_Iterable[_Union[ColumnPlan, _Mapping]]] = ..., locations: _Optional[_Iterable[_Union[StreamLocation, _Mapping]]] = ...) -> None: ...

class StreamLocation(_message.Message):
    __slots__ = ("stream", "location")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    stream: int
    location: str
    def __init__(self, stream: _Optional[int] = ..., location: _Optional[str] = ...) -> None: ...

class ColumnPlan(_message.Message):
    __slots__ = ("stream", "column", "stored_name", "fit", "reason")
    class Fit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FIT_UNSPECIFIED: _ClassVar[ColumnPlan.Fit]
        FIT_LOSSLESS: _ClassVar[ColumnPlan.Fit]
        FIT_LOSSY: _ClassVar[ColumnPlan.Fit]
        FIT_NEEDS_REFRESH: _ClassVar[ColumnPlan.Fit]
        FIT_IMPOSSIBLE: _ClassVar[ColumnPlan.Fit]
    FIT_UNSPECIFIED: ColumnPlan.Fit
    FIT_LOSSLESS: ColumnPlan.Fit
    FIT_LOSSY: ColumnPlan.Fit
    FIT_NEEDS_REFRESH: ColumnPlan.Fit
    FIT_IMPOSSIBLE: ColumnPlan.Fit
    STREAM_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    STORED_NAME_FIELD_NUMBER: _ClassVar[int]
    FIT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    stream: int
    column: str
    stored_name: str
    fit: ColumnPlan.Fit
    reason: str
    def __init__(self, stream: _Optional[int] = ..., column: _Optional[str] = ..., stored_name: _Optional[str] = ..., fit: _Optional[_Union[ColumnPlan.Fit, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class WriteRequest(_message.Message):
    __slots__ = ("open", "schema", "batch", "commit")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    open: WriteOpen
    schema: _types_pb2.SchemaAnnounce
    batch: _types_pb2.Batch
    commit: WriteCommit
    def __init__(self, open: _Optional[_Union[WriteOpen, _Mapping]] = ..., schema: _Optional[_Union[_types_pb2.SchemaAnnounce, _Mapping]] = ..., batch: _Optional[_Union[_types_pb2.Batch, _Mapping]] = ..., commit: _Optional[_Union[WriteCommit, _Mapping]] = ...) -> None: ...

class WriteOpen(_message.Message):
    __slots__ = ("config_json", "write_id", "writer_id", "epoch", "streams", "resume_after_commit_seq", "receipts")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    WRITE_ID_FIELD_NUMBER: _ClassVar[int]
    WRITER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_COMMIT_SEQ_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    write_id: str
    writer_id: str
    epoch: int
    streams: _containers.RepeatedCompositeFieldContainer[WriteStream]
    resume_after_commit_seq: int
    receipts: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, config_json: _Optional[str] = ..., write_id: _Optional[str] = ..., writer_id: _Optional[str] = ..., epoch: _Optional[int] = ..., streams: _Optional[_Iterable[_Union[WriteStream, _Mapping]]] = ..., resume_after_commit_seq: _Optional[int] = ..., receipts: _Optional[_Iterable[bytes]] = ...) -> None: ...

class WriteCommit(_message.Message):
    __slots__ = ("commit_seq", "up_to_batch_seq")
    COMMIT_SEQ_FIELD_NUMBER: _ClassVar[int]
    UP_TO_BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    commit_seq: int
    up_to_batch_seq: int
    def __init__(self, commit_seq: _Optional[int] = ..., up_to_batch_seq: _Optional[int] = ...) -> None: ...

class WriteResponse(_message.Message):
    __slots__ = ("opened", "committed", "rejected", "status", "log")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    opened: WriteOpened
    committed: WriteCommitted
    rejected: RejectedRows
    status: _types_pb2.StreamStatus
    log: _types_pb2.LogEntry
    def __init__(self, opened: _Optional[_Union[WriteOpened, _Mapping]] = ..., committed: _Optional[_Union[WriteCommitted, _Mapping]] = ..., rejected: _Optional[_Union[RejectedRows, _Mapping]] = ..., status: _Optional[_Union[_types_pb2.StreamStatus, _Mapping]] = ..., log: _Optional[_Union[_types_pb2.LogEntry, _Mapping]] = ...) -> None: ...

class WriteOpened(_message.Message):
    __slots__ = ("discarded",)
    DISCARDED_FIELD_NUMBER: _ClassVar[int]
    discarded: int
    def __init__(self, discarded: _Optional[int] = ...) -> None: ...

class WriteCommitted(_message.Message):
    __slots__ = ("commit_seq", "receipt", "rows")
    class RowsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    COMMIT_SEQ_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    commit_seq: int
    receipt: bytes
    rows: _containers.ScalarMap[int, int]
    def __init__(self, commit_seq: _Optional[int] = ..., receipt: _Optional[bytes] = ..., rows: _Optional[_Mapping[int, int]] = ...) -> None: ...

class RejectedRows(_message.Message):
    __slots__ = ("batch_seq", "row_indexes", "reason")
    BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    ROW_INDEXES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    batch_seq: int
    row_indexes: _containers.RepeatedScalarFieldContainer[int]
    reason: _status_pb2.Status
    def __init__(self, batch_seq: _Optional[int] = ..., row_indexes: _Optional[_Iterable[int]] = ..., reason: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CompleteWriteRequest(_message.Message):
    __slots__ = ("config_json", "write_id", "receipts", "completed_streams")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    WRITE_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_STREAMS_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    write_id: str
    receipts: _containers.RepeatedScalarFieldContainer[bytes]
    completed_streams: _containers.RepeatedCompositeFieldContainer[WriteStream]
    def __init__(self, config_json: _Optional[str] = ..., write_id: _Optional[str] = ..., receipts: _Optional[_Iterable[bytes]] = ..., completed_streams: _Optional[_Iterable[_Union[WriteStream, _Mapping]]] = ...) -> None: ...

class CompleteWriteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AbortWriteRequest(_message.Message):
    __slots__ = ("config_json", "write_id")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    WRITE_ID_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    write_id: str
    def __init__(self, config_json: _Optional[str] = ..., write_id: _Optional[str] = ...) -> None: ...

class AbortWriteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
