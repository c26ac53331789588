"""Connectors, their specs and catalogs, sources and destinations."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError
from towpath.connector.v1 import connector_pb2
from towpath.control.v1 import connectors_pb2, destinations_pb2, sources_pb2
from towpath_sdk.errors import Bug

from towpath_server.domain.connector import Connector, Program, Role, Spec
from towpath_server.domain.streams import CatalogStream, ReadMode, WriteMode
from towpath_server.use_cases.endpoints import ShownEndpoint
from towpath_server.wire.common import name_from, time_to
from towpath_server.wire.limits import limits_from, limits_to

__all__ = ["catalog_from", "connector_to", "destination_to", "program_from", "source_to", "spec_from"]

_ROLES = {connector_pb2.ROLE_SOURCE: Role.SOURCE, connector_pb2.ROLE_DESTINATION: Role.DESTINATION}
_READ_MODES = {int(mode): mode for mode in ReadMode}
_WRITE_MODES = {int(mode): mode for mode in WriteMode}


def spec_from(wire: bytes) -> Spec:
    """Decode a serialized SpecResponse; roles and modes that this server does not know are left out."""
    message = connector_pb2.SpecResponse.FromString(wire)
    return Spec(
        wire=wire,
        roles=frozenset(_ROLES[role] for role in message.roles if role in _ROLES),
        schema_text=message.config_json_schema or "{}",
        write_modes=tuple(_WRITE_MODES[mode] for mode in message.destination.write_modes if mode in _WRITE_MODES),
    )


def catalog_from(wire: bytes) -> Sequence[CatalogStream]:
    """Decode a serialized DiscoverResponse. Raises Bug when a schema in it is unreadable."""
    import pyarrow as pa  # noqa: PLC0415 - a tenth of the server's start, and this is all that it does with Arrow

    try:
        message = connector_pb2.DiscoverResponse.FromString(wire)
        return [
            CatalogStream(
                name=name_from(stream.name),
                columns=tuple(pa.ipc.read_schema(pa.py_buffer(stream.ipc_schema)).names),
                primary_key=tuple(stream.primary_key),
                read_modes=frozenset(_READ_MODES[mode] for mode in stream.read_modes if mode in _READ_MODES),
                cursor_columns=tuple(stream.cursor_columns),
                ipc_schema=stream.ipc_schema,
            )
            for stream in message.streams
        ]
    except (DecodeError, pa.ArrowInvalid, OSError) as error:
        raise Bug("the connector's catalog cannot be read; this is for its author", reason="INVALID_CATALOG") from error


def program_from(message: connectors_pb2.Connector) -> Program:
    """Decode what starts a connector."""
    return Program(tuple(message.command), message.image, limits_from(message.limits))


def connector_to(connector: Connector) -> connectors_pb2.Connector:
    """Encode a connector with its spec."""
    return connectors_pb2.Connector(
        name=connector.name,
        command=connector.program.command,
        image=connector.program.image,
        limits=limits_to(connector.program.limits),
        spec=connector_pb2.SpecResponse.FromString(connector.spec.wire),
        create_time=time_to(connector.create_time),
        update_time=time_to(connector.update_time),
        etag=connector.etag,
    )


def source_to(shown: ShownEndpoint) -> sources_pb2.Source:
    """Encode a source, secrets masked."""
    endpoint = shown.endpoint
    return sources_pb2.Source(
        name=endpoint.name,
        connector=f"connectors/{endpoint.connector}",
        config_json=shown.config_json,
        create_time=time_to(endpoint.create_time),
        update_time=time_to(endpoint.update_time),
        etag=endpoint.etag,
    )


def destination_to(shown: ShownEndpoint) -> destinations_pb2.Destination:
    """Encode a destination, secrets masked."""
    endpoint = shown.endpoint
    return destinations_pb2.Destination(
        name=endpoint.name,
        connector=f"connectors/{endpoint.connector}",
        config_json=shown.config_json,
        create_time=time_to(endpoint.create_time),
        update_time=time_to(endpoint.update_time),
        etag=endpoint.etag,
    )
