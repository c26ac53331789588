"""Stands before every method: asks for the token, and turns failures into statuses."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from typing import Any, NoReturn

import grpc
import structlog
from grpc import aio
from towpath_sdk.errors import Bug, Denied, TowpathError
from towpath_sdk.status import short_message, status_trailer, to_status

from towpath_server.api.context import Context
from towpath_server.use_cases.problems import AlreadyExists, Outdated

__all__ = ["Guard", "Tokens"]

_log = structlog.get_logger()

_OPEN = "/grpc.health.v1.Health/"
_RUNTIME = "/towpath.runtime.v1."


class _Unauthenticated(Denied):
    """No token, or a wrong one; UNAUTHENTICATED on the wire."""


_CODES: tuple[tuple[type[TowpathError], grpc.StatusCode], ...] = (
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (Outdated, grpc.StatusCode.ABORTED),
    (_Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
)


class Tokens:
    """Bearer tokens of users and of workers. None instead of a list lets everybody in; for loopback only."""

    def __init__(self, users: Sequence[str] | None, workers: Sequence[str] | None) -> None:
        self._users = users
        self._workers = workers

    def check(self, method: str, authorization: str | None) -> None:
        """Raise when `authorization`, a header's value, does not open `method`."""
        if method.startswith(_OPEN):
            return
        accepted = self._workers if method.startswith(_RUNTIME) else self._users
        if accepted is None:
            return
        scheme, _, token = (authorization or "").partition(" ")
        given = token.strip().encode()
        if scheme.lower() == "bearer" and any(hmac.compare_digest(given, known.encode()) for known in accepted):
            return
        whose = "worker token" if method.startswith(_RUNTIME) else "token"
        raise _Unauthenticated(
            f"this server asks for its {whose}; send it as `authorization: Bearer …`", reason="UNAUTHENTICATED"
        )


class Guard(aio.ServerInterceptor):
    """Interceptor of every method."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of one call."""
        handler: Any = await continuation(handler_call_details)
        if handler is None:
            return handler
        method = str(handler_call_details.method)
        authorization = next(
            (str(value) for key, value in handler_call_details.invocation_metadata or () if key == "authorization"),
            None,
        )
        call = _Call(self._tokens, method, authorization)
        codec = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(call.one(handler.unary_unary), **codec)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(call.many(handler.unary_stream), **codec)
        if handler.stream_stream:
            return grpc.stream_stream_rpc_method_handler(call.many(handler.stream_stream), **codec)
        return handler


class _Call:
    """One call on its way through the guard."""

    def __init__(self, tokens: Tokens, method: str, authorization: str | None) -> None:
        self._tokens = tokens
        self._method = method
        self._authorization = authorization

    def one(self, behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        """Guard a method with one answer."""

        async def guarded(request: Any, context: Context) -> Any:
            began = time.monotonic()
            try:
                self._tokens.check(self._method, self._authorization)
                answer = await behaviour(request, context)
            except aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence: every failure becomes a status
                await self._fail(error, context, began)
            self._note(grpc.StatusCode.OK, began)
            return answer

        return guarded

    def many(self, behaviour: Callable[[Any, Context], AsyncIterable[Any]]) -> Any:
        """Guard a method with a stream of answers."""

        async def guarded(request: Any, context: Context) -> AsyncGenerator[Any]:
            began = time.monotonic()
            try:
                self._tokens.check(self._method, self._authorization)
                async for answer in behaviour(request, context):
                    yield answer
            except aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence: every failure becomes a status
                await self._fail(error, context, began)
            self._note(grpc.StatusCode.OK, began)

        return guarded

    async def _fail(self, error: Exception, context: Context, began: float) -> NoReturn:
        if isinstance(error, TowpathError) and not isinstance(error, Bug):
            known: TowpathError = error
            _log.info("call refused", method=self._method, reason=error.reason, fields=sorted(error.fields))
        else:
            _log.error("call failed", method=self._method, exc_info=error)
            known = error if isinstance(error, Bug) else Bug("the server failed; its log says where", reason="BUG")
        status = to_status(known)
        code = next((code for kind, code in _CODES if isinstance(known, kind)), known.rule.code)
        status.code = code.value[0]
        self._note(code, began)
        context.set_trailing_metadata(status_trailer(status))
        await context.abort(code, short_message(status))
        raise AssertionError

    def _note(self, code: grpc.StatusCode, began: float) -> None:
        _log.debug("call", method=self._method, code=code.name, seconds=round(time.monotonic() - began, 4))
