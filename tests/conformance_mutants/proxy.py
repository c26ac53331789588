"""A gRPC relay between the judge and a good connector, which changes messages on the way.

It relays every method as raw bytes, unary ones too, and knows nothing of the protocol: what is changed is the mutant's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from towpath_sdk.sending import send_message

__all__ = ["Begin", "Ending", "Relayed", "relay"]

Ending: TypeAlias = "tuple[grpc.StatusCode, str, tuple[tuple[str, str | bytes], ...]]"
"""Code, message and trailing metadata of a call."""


class Relayed:
    """One call on its way through. Override what is to be changed; as it stands, everything passes."""

    over: bool = False
    """Set to end the call with OK after what was said last, whatever the connector would say yet."""

    async def request(self, raw: bytes) -> Iterable[bytes]:
        """Say what the connector gets in the place of one message."""
        return (raw,)

    async def response(self, raw: bytes) -> Iterable[bytes]:
        """Say what the judge gets in the place of one message."""
        return (raw,)

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        """Say what the judge gets before the end, and how the call ends."""
        return (), ending


Begin: TypeAlias = Callable[[str], Relayed]
"""Called with the bare name of each method that is called, such as "Read"; that of health is "Health/Check"."""

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@asynccontextmanager
async def relay(listen: str, upstream: str, begin: Begin) -> AsyncGenerator[None]:
    """Relay from one Unix socket to another while the block runs."""
    channel = grpc.aio.insecure_channel(upstream, options=[*_UNLIMITED, ("grpc.use_local_subchannel_pool", 1)])
    server = grpc.aio.server(options=_UNLIMITED)
    server.add_generic_rpc_handlers((_Everything(channel, begin),))
    server.add_insecure_port(listen)
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)
        await channel.close()


class _Everything(grpc.GenericRpcHandler):
    def __init__(self, channel: grpc.aio.Channel, begin: Begin) -> None:
        self._channel = channel
        self._begin = begin

    def service(self, handler_call_details: Any) -> Any:
        method: str = handler_call_details.method

        async def handle(_: object, context: Any) -> None:
            await _relay_call(self._channel, method, self._begin(_name(method)), context)

        return grpc.stream_stream_rpc_method_handler(handle, None, None)


def _name(method: str) -> str:
    return method.rpartition("." if method.startswith("/grpc.health.") else "/")[2]


async def _relay_call(channel: grpc.aio.Channel, method: str, relayed: Relayed, context: Any) -> None:
    await context.send_initial_metadata(())
    passed = tuple((key, value) for key, value in context.invocation_metadata() if not key.startswith(":"))
    metadata: Any = tuple((key, value) for key, value in passed if key not in ("user-agent", "te", "content-type"))
    call: Any = channel.stream_stream(method)(metadata=metadata, timeout=context.time_remaining())
    sending = asyncio.ensure_future(_pass_requests(context, call, relayed))
    try:
        try:
            while not relayed.over and (raw := await call.read()) is not grpc.aio.EOF:
                for message in await relayed.response(raw):
                    await context.write(message)
            if relayed.over:
                return
            ending = (await call.code(), await call.details() or "", tuple(await call.trailing_metadata() or ()))
        except grpc.aio.AioRpcError as error:
            ending = (error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        more, (code, details, trailers) = await relayed.end(ending)
        for message in more:
            await context.write(message)
        if code is not grpc.StatusCode.OK:
            await context.abort(code, details, trailers)
    finally:
        sending.cancel()
        call.cancel()


async def _pass_requests(context: Any, call: Any, relayed: Relayed) -> None:
    while (raw := await context.read()) is not grpc.aio.EOF:
        for message in await relayed.request(raw):
            if not await send_message(call, message):
                return
    if not call.done():
        await call.done_writing()
