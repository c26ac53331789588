"""Send messages on a streaming call without losing the status that it ends with.

`grpc.aio` puts INTERNAL into the place of the peer's status when a message is on its way while the peer ends the call
(grpc/grpc#36066): an outage that is to be retried would look like a bug. What is sent through here does not.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

__all__ = ["send_message"]


async def send_message(call: Any, message: bytes) -> bool:
    """Send a serialized message on a `grpc.aio` call; returns when flow control has let it pass.

    False when the call has ended, or ends meanwhile: whoever reads it to its end learns why. Cancelling it cancels the
    call.
    """
    if call.done():
        return False
    try:
        await call.wait_for_connection()
        await call._cython_call.send_serialized_message(message)  # noqa: SLF001 call.write would overwrite the status
    except (grpc.aio.InternalError, grpc.aio.AioRpcError):
        return False
    except asyncio.CancelledError:
        call.cancel()
        raise
    return True
