"""Who may call: everybody who knows the token; health checks need none."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from towpath_sdk._serve.failures import abort
from towpath_sdk.errors import Denied

__all__ = ["BearerToken"]

_HEALTH = "/grpc.health.v1.Health/"


class BearerToken(grpc.aio.ServerInterceptor):
    """Refuses calls without `authorization: Bearer <token>`; compares in constant time."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()
        self._refusal: Any = grpc.stream_stream_rpc_method_handler(_refuse)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Let a call pass, or answer UNAUTHENTICATED; a refusal needs no knowledge of the method."""
        if handler_call_details.method.startswith(_HEALTH) or self._admits(handler_call_details):
            return await continuation(handler_call_details)
        return self._refusal

    def _admits(self, details: grpc.HandlerCallDetails) -> bool:
        given = [value for key, value in details.invocation_metadata if key == "authorization"]
        return len(given) == 1 and hmac.compare_digest(_as_bytes(given[0]), self._expected)


async def _refuse(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    error = Denied("a valid bearer token is required in `authorization`", reason="INVALID_TOKEN")
    await abort(context, error, code=grpc.StatusCode.UNAUTHENTICATED)


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
