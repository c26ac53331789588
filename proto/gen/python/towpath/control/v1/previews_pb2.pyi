from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamPreview(_message.Message):
    __slots__ = ("columns", "rows", "complete")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[PreviewColumn]
    rows: _containers.RepeatedCompositeFieldContainer[PreviewRow]
    complete: bool
    def __init__(self, columns: _Optional[_Iterable[_Union[PreviewColumn, _Mapping]]] = ..., rows: _Optional[_Iterable[_Union[PreviewRow, _Mapping]]] = ..., complete: bool = ...) -> None: ...

class PreviewColumn(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class PreviewRow(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[PreviewValue]
    def __init__(self, values: _Optional[_Iterable[_Union[PreviewValue, _Mapping]]] = ...) -> None: ...

class PreviewValue(_message.Message):
    __slots__ = ("text", "cut_bytes")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    text: str
    cut_bytes: int
    def __init__(self, text: _Optional[str] = ..., cut_bytes: _Optional[int] = ...) -> None: ...
