"""The door of a connector: it counts the calls inside, and once it is closed lets no other in.

A process that drains must not shut its server down while calls run, nor right after: gRPC closes each connection with
its last call, and a caller that writes in that moment (an acknowledgement, a window update) finds the pipe broken and
drops what it has not read yet. So the door is closed first; the server stops when the room has been empty for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from towpath_sdk._serve.failures import abort
from towpath_sdk.errors import Unavailable

__all__ = ["OURS", "Door", "wrapped"]

OURS = "/towpath."
_READING_SECONDS = 0.5
"""Time for callers to read the end of their calls, which is on its way when a call is over."""

_Handle = Callable[[Any, Any], Awaitable[Any]]


class Door(grpc.aio.ServerInterceptor):
    """Counts Towpath's own calls; health and reflection come and go as they like."""

    def __init__(self) -> None:
        self._inside = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._refusal: Any = grpc.stream_stream_rpc_method_handler(_refuse)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Let a call in and count it, or answer UNAVAILABLE; a refusal needs no knowledge of the method."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(OURS):
            return handler
        return self._refusal if self._closed else wrapped(handler, self._counted)

    def close(self) -> None:
        """Let nobody in from now on."""
        self._closed = True

    async def emptied(self, timeout_seconds: float) -> bool:
        """Wait until those inside have left and have read their ends; False when `timeout_seconds` were too few."""
        if self._inside == 0:
            return True
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._inside:
                    self._changed.clear()
                    await self._changed.wait()
                await asyncio.sleep(_READING_SECONDS)
        except TimeoutError:
            return False
        return True

    def _counted(self, handle: _Handle) -> _Handle:
        async def counted(request: Any, context: Any) -> Any:
            self._inside += 1
            try:
                return await handle(request, context)
            finally:
                self._inside -= 1
                self._changed.set()

        return counted


def wrapped(handler: Any, wrap: Callable[[_Handle], _Handle]) -> Any:
    codecs = (handler.request_deserializer, handler.response_serializer)
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler(wrap(handler.unary_unary), *codecs)
    if handler.unary_stream is not None:
        return grpc.unary_stream_rpc_method_handler(wrap(handler.unary_stream), *codecs)
    return grpc.stream_stream_rpc_method_handler(wrap(handler.stream_stream), *codecs)


async def _refuse(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await abort(context, Unavailable("this connector is stopping", reason="DRAINING"))
