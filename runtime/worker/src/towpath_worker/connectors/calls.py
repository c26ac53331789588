"""The two streaming calls, as raw bytes. They implement the broker's `ReadCall` and `WriteCall`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import grpc
import grpc.aio
from towpath.connector.v1 import destination_pb2, source_pb2
from towpath_sdk.errors import Bug, Owner
from towpath_sdk.sending import send_message
from towpath_sdk.traces import Span

from towpath_worker.failures import Located
from towpath_worker.traced_calls import follow

__all__ = ["Read", "Write"]

_READ = "/towpath.connector.v1.SourceService/Read"
_WRITE = "/towpath.connector.v1.DestinationService/Write"

Translate: TypeAlias = Callable[[grpc.aio.AioRpcError], Located]
Metadata: TypeAlias = tuple[tuple[str, str], ...]


class _Call:
    """What both calls have in common; `_call` is a grpc.aio.StreamStreamCall, which has no types."""

    def __init__(self, call: Any, opening: bytes, translate: Translate, span: Span) -> None:
        self._call = call
        follow(call, span)
        self._opening: bytes | None = opening
        self._translate = translate

    async def _send(self, message: bytes) -> None:
        await self._open()
        if not await send_message(self._call, message):
            raise await self._ended()

    async def _receive(self) -> Any:
        await self._open()
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise self._translate(error) from None
        if message is grpc.aio.EOF:
            if await self._call.code() is not grpc.StatusCode.OK:
                raise await self._ended()
            return None
        return message

    async def _open(self) -> None:
        if self._opening is not None:
            opening, self._opening = self._opening, None
            await self._send(opening)

    async def _ended(self) -> Located:
        """Return why the call ended before its time."""
        code = cast("grpc.StatusCode", await self._call.code())
        if code is grpc.StatusCode.OK:
            message = "protocol violation: the call ended while messages were still to come"
            failure = Bug(message, reason="PROTOCOL_VIOLATION", owner=Owner.CONNECTOR)
            located = self._translate(_rpc_error(grpc.StatusCode.INTERNAL, (), message))
            return Located(failure, located.origin)
        return self._translate(
            _rpc_error(code, await self._call.trailing_metadata() or (), cast("str", await self._call.details()))
        )

    async def half_close(self) -> None:
        """Say that nothing follows; harmless when the call has ended."""
        await self._open()
        try:
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # whoever receives learns why

    def cancel(self) -> None:
        """End the call now."""
        self._call.cancel()


class Read(_Call):
    """One Read: answers stay bytes."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        metadata: Metadata,
        opening: source_pb2.ReadOpen,
        translate: Translate,
        span: Span,
    ) -> None:
        method = cast("Any", channel).stream_stream(_READ, request_serializer=None, response_deserializer=None)
        request = source_pb2.ReadRequest(open=opening)
        super().__init__(method(metadata=metadata + span.metadata), request.SerializeToString(), translate, span)

    async def receive(self) -> bytes | None:
        """Return the next serialized ReadResponse, or None after OK."""
        return cast("bytes | None", await self._receive())

    async def acknowledge(self, checkpoint_seq: int) -> None:
        """Send ReadAck; does nothing when the call has already ended."""
        ack = source_pb2.ReadAck(checkpoint_seq=checkpoint_seq)
        # When the source is gone it will learn from the state of the next read.
        await send_message(self._call, source_pb2.ReadRequest(ack=ack).SerializeToString())


class Write(_Call):
    """One Write: requests are bytes, answers are messages."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        metadata: Metadata,
        opening: destination_pb2.WriteOpen,
        translate: Translate,
        span: Span,
    ) -> None:
        method = cast("Any", channel).stream_stream(
            _WRITE, request_serializer=None, response_deserializer=destination_pb2.WriteResponse.FromString
        )
        request = destination_pb2.WriteRequest(open=opening)
        super().__init__(method(metadata=metadata + span.metadata), request.SerializeToString(), translate, span)

    async def send(self, message: bytes) -> None:
        """Send a serialized WriteRequest; returns when flow control has let it pass."""
        await self._send(message)

    async def receive(self) -> destination_pb2.WriteResponse | None:
        """Return the next answer, or None after OK."""
        return cast("destination_pb2.WriteResponse | None", await self._receive())


def _rpc_error(code: grpc.StatusCode, trailing: Any, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata.from_tuple(tuple(trailing)), details)
