"""One bidirectional call: requests come in, a thread works, messages go out, and the first failure ends all three."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

from towpath_sdk._serve.author_thread import AuthorCall, result_of
from towpath_sdk._serve.queues import Outbox
from towpath_sdk.errors import Cancelled

__all__ = ["WireContext", "begin", "run_duplex", "send"]

T = TypeVar("T")
WireContext = grpc.aio.ServicerContext[Any, Any]


async def run_duplex(
    wire: WireContext,
    call: AuthorCall[T],
    outbox: Outbox,
    take_requests: Coroutine[Any, Any, None] | asyncio.Future[None],
    overruled: asyncio.Future[None],
) -> T:
    """Run a call to its end and return what the author's thread returned.

    Raises what the thread raised, what `take_requests` raised (a violation of the protocol), or what `overruled` was
    given (a newer writer). However it ends, the thread is told; nobody waits for it.
    """
    taking = asyncio.ensure_future(take_requests)
    sending = asyncio.ensure_future(_send(wire, outbox))
    pending: set[asyncio.Future[None]] = {taking, sending, overruled}
    try:
        while not sending.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        return await result_of(call)
    finally:
        taking.cancel()
        sending.cancel()
        call.cancel()
        outbox.close()


async def begin(wire: WireContext) -> None:
    """Send the initial metadata, before anything else.

    They would go out with the first message otherwise, and an abort that comes while that one is on its way would send
    them again, which gRPC refuses: the call would hang without a status.
    """
    with contextlib.suppress(grpc.aio.InternalError):  # the caller is gone; the first read or write says so
        await wire.send_initial_metadata(())


async def send(wire: WireContext, message: bytes) -> None:
    """Send one message. Raises Cancelled when the caller is gone, which the write may notice before the call does."""
    try:
        await wire.write(message)
    except grpc.aio.InternalError as error:
        raise Cancelled("the caller is gone") from error


async def _send(wire: WireContext, outbox: Outbox) -> None:
    while (message := await outbox.get()) is not None:
        await send(wire, message)
