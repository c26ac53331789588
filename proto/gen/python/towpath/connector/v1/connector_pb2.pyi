from google.rpc import status_pb2 as _status_pb2
from towpath.connector.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_SOURCE: _ClassVar[Role]
    ROLE_DESTINATION: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_SOURCE: Role
ROLE_DESTINATION: Role

class HandshakeRequest(_message.Message):
    __slots__ = ("supported_versions", "features", "limits", "client_info")
    SUPPORTED_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_INFO_FIELD_NUMBER: _ClassVar[int]
    supported_versions: _containers.RepeatedCompositeFieldContainer[ProtocolVersion]
    features: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    client_info: str
    def __init__(self, supported_versions: _Optional[_Iterable[_Union[ProtocolVersion, _Mapping]]] = ..., features: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., client_info: _Optional[str] = ...) -> None: ...

class HandshakeResponse(_message.Message):
    __slots__ = ("selected_version", "features", "limits", "instance_id")
    SELECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    selected_version: ProtocolVersion
    features: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    instance_id: str
    def __init__(self, selected_version: _Optional[_Union[ProtocolVersion, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., instance_id: _Optional[str] = ...) -> None: ...

class ProtocolVersion(_message.Message):
    __slots__ = ("major", "minor")
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    major: int
    minor: int
    def __init__(self, major: _Optional[int] = ..., minor: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_batch_bytes", "max_state_bytes")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_STATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_batch_bytes: int
    max_state_bytes: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_batch_bytes: _Optional[int] = ..., max_state_bytes: _Optional[int] = ...) -> None: ...

class SpecRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SpecResponse(_message.Message):
    __slots__ = ("connector_id", "connector_version", "roles", "config_json_schema", "source", "destination", "title", "documentation_url")
    CONNECTOR_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    CONFIG_JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTATION_URL_FIELD_NUMBER: _ClassVar[int]
    connector_id: str
    connector_version: str
    roles: _containers.RepeatedScalarFieldContainer[Role]
    config_json_schema: str
    source: SourceCapabilities
    destination: DestinationCapabilities
    title: str
    documentation_url: str
    def __init__(self, connector_id: _Optional[str] = ..., connector_version: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[Role, str]]] = ..., config_json_schema: _Optional[str] = ..., source: _Optional[_Union[SourceCapabilities, _Mapping]] = ..., destination: _Optional[_Union[DestinationCapabilities, _Mapping]] = ..., title: _Optional[str] = ..., documentation_url: _Optional[str] = ...) -> None: ...

class SourceCapabilities(_message.Message):
    __slots__ = ("splits", "needs_acks", "deterministic_replay")
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_ACKS_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_REPLAY_FIELD_NUMBER: _ClassVar[int]
    splits: bool
    needs_acks: bool
    deterministic_replay: bool
    def __init__(self, splits: bool = ..., needs_acks: bool = ..., deterministic_replay: bool = ...) -> None: ...

class DestinationCapabilities(_message.Message):
    __slots__ = ("write_modes", "discards_after_resume", "max_writers_per_stream")
    WRITE_MODES_FIELD_NUMBER: _ClassVar[int]
    DISCARDS_AFTER_RESUME_FIELD_NUMBER: _ClassVar[int]
    MAX_WRITERS_PER_STREAM_FIELD_NUMBER: _ClassVar[int]
    write_modes: _containers.RepeatedScalarFieldContainer[_types_pb2.WriteMode]
    discards_after_resume: bool
    max_writers_per_stream: int
    def __init__(self, write_modes: _Optional[_Iterable[_Union[_types_pb2.WriteMode, str]]] = ..., discards_after_resume: bool = ..., max_writers_per_stream: _Optional[int] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ("config_json",)
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    def __init__(self, config_json: _Optional[str] = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[CheckResult]
    def __init__(self, results: _Optional[_Iterable[_Union[CheckResult, _Mapping]]] = ...) -> None: ...

class WatchCheckRequest(_message.Message):
    __slots__ = ("config_json",)
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    def __init__(self, config_json: _Optional[str] = ...) -> None: ...

class WatchCheckResponse(_message.Message):
    __slots__ = ("begun", "ended")
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    begun: str
    ended: CheckResult
    def __init__(self, begun: _Optional[str] = ..., ended: _Optional[_Union[CheckResult, _Mapping]] = ...) -> None: ...

class CheckResult(_message.Message):
    __slots__ = ("probe", "status")
    PROBE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    probe: str
    status: _status_pb2.Status
    def __init__(self, probe: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class DiscoverRequest(_message.Message):
    __slots__ = ("config_json",)
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    def __init__(self, config_json: _Optional[str] = ...) -> None: ...

class DiscoverResponse(_message.Message):
    __slots__ = ("streams",)
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[_types_pb2.StreamDescriptor]
    def __init__(self, streams: _Optional[_Iterable[_Union[_types_pb2.StreamDescriptor, _Mapping]]] = ...) -> None: ...
