from towpath.connector.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Failure(_message.Message):
    __slots__ = ("kind", "reason", "message", "owner", "origin")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Failure.Kind]
        KIND_MISCONFIGURED: _ClassVar[Failure.Kind]
        KIND_DENIED: _ClassVar[Failure.Kind]
        KIND_UNAVAILABLE: _ClassVar[Failure.Kind]
        KIND_THROTTLED: _ClassVar[Failure.Kind]
        KIND_POSITION_LOST: _ClassVar[Failure.Kind]
        KIND_BAD_RECORD: _ClassVar[Failure.Kind]
        KIND_BUG: _ClassVar[Failure.Kind]
        KIND_FENCED: _ClassVar[Failure.Kind]
        KIND_CANCELLED: _ClassVar[Failure.Kind]
        KIND_NOT_FOUND: _ClassVar[Failure.Kind]
        KIND_CONFLICT: _ClassVar[Failure.Kind]
    KIND_UNSPECIFIED: Failure.Kind
    KIND_MISCONFIGURED: Failure.Kind
    KIND_DENIED: Failure.Kind
    KIND_UNAVAILABLE: Failure.Kind
    KIND_THROTTLED: Failure.Kind
    KIND_POSITION_LOST: Failure.Kind
    KIND_BAD_RECORD: Failure.Kind
    KIND_BUG: Failure.Kind
    KIND_FENCED: Failure.Kind
    KIND_CANCELLED: Failure.Kind
    KIND_NOT_FOUND: Failure.Kind
    KIND_CONFLICT: Failure.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    kind: Failure.Kind
    reason: str
    message: str
    owner: _types_pb2.FailureInfo.Owner
    origin: str
    def __init__(self, kind: _Optional[_Union[Failure.Kind, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., owner: _Optional[_Union[_types_pb2.FailureInfo.Owner, str]] = ..., origin: _Optional[str] = ...) -> None: ...
