"""A bidirectional call, step by step and synchronously."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

from towpath_sdk.client import RawCall
from towpath_sdk.errors import Cancelled
from towpath_sdk.sending import send_message
from towpath_sdk.status import from_rpc
from towpath_sdk.testing.loop_thread import LoopThread

__all__ = ["SteppedCall"]

T = TypeVar("T")


class SteppedCall:
    """Sends and receives serialized messages; every failure is a TowpathError."""

    def __init__(self, loop: LoopThread, call: RawCall, timeout: float) -> None:
        self._loop = loop
        self._call = call
        self._timeout = timeout
        self._received: deque[bytes] = deque()

    def send(self, message: bytes) -> None:
        """Send one message; blocks while the connector does not read. Raises what the call has ended with."""
        self._run(self._send(message))

    def receive(self, timeout: float | None = None) -> bytes | None:
        """Return the next message, None at the end of a call that went well."""
        return self._run(self._receive(), timeout)

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self._run(self._half_close())

    def cancel(self) -> None:
        """Cancel the call, as a broker that goes away does."""

        async def cancel() -> None:
            self._call.cancel()

        self._loop.run(cancel(), self._timeout)

    def _run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        return self._loop.run(self._translated(work), timeout or self._timeout)

    async def _send(self, message: bytes) -> None:
        if await send_message(self._call, message):
            return
        # The status of a call comes after its last message: those before it are kept for `receive`.
        while (received := await self._read()) is not None:
            self._received.append(received)
        raise Cancelled("the call has ended")

    async def _half_close(self) -> None:
        if not self._call.done():
            await self._call.done_writing()

    async def _receive(self) -> bytes | None:
        return self._received.popleft() if self._received else await self._read()

    async def _read(self) -> bytes | None:
        message: Any = await self._call.read()
        return None if message is grpc.aio.EOF else message

    async def _translated(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except grpc.RpcError as error:
            raise from_rpc(error) from error
        except asyncio.CancelledError:
            if self._call.cancelled():
                raise Cancelled("the call was cancelled") from None
            raise
