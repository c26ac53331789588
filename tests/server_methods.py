"""Every method that the server serves, and a way to call each with a request of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from towpath.control.v1 import (
    audit_pb2,
    connections_pb2,
    connectors_pb2,
    destinations_pb2,
    jobs_pb2,
    sources_pb2,
    tokens_pb2,
)
from towpath.runtime.v1 import worker_pb2

FILES = (
    connectors_pb2,
    sources_pb2,
    destinations_pb2,
    connections_pb2,
    jobs_pb2,
    tokens_pb2,
    audit_pb2,
    worker_pb2,
)


def services() -> list[str]:
    """Return the full names of the services."""
    return [service.full_name for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]


def methods() -> Iterator[MethodDescriptor]:
    """Yield every method of every service."""
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


async def code_of(
    channel: aio.Channel,
    method: MethodDescriptor,
    request: Message | None = None,
    metadata: Sequence[tuple[str, str]] = (),
) -> grpc.StatusCode:
    """Call a method, with an empty request unless one is given; return the code of its answer."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    request_type, answer_type = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    make = channel.unary_stream if method.server_streaming else channel.unary_unary
    stub: Any = make(
        path, request_serializer=request_type.SerializeToString, response_deserializer=answer_type.FromString
    )
    call = stub(request_type() if request is None else request, timeout=20, metadata=tuple(metadata))
    try:
        if method.server_streaming:
            async for _ in call:
                pass
        else:
            await call
    except grpc.RpcError:
        pass
    return await call.code()
