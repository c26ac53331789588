"""Stands before every method: finds out who calls, judges by the rules, and turns failures into statuses."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import unquote

import grpc
import structlog
from grpc import aio
from towpath_sdk import traces
from towpath_sdk.errors import Bug, Denied, TowpathError
from towpath_sdk.status import short_message, status_trailer, to_status

from towpath_server.api.context import Context
from towpath_server.api.rules import RULES, Rule
from towpath_server.api.tracing import call_span, names
from towpath_server.domain.access import Caller
from towpath_server.metrics import CALL_SECONDS, CALLS
from towpath_server.use_cases.audit import calling
from towpath_server.use_cases.authentication import Authentication, Unauthenticated
from towpath_server.use_cases.problems import AlreadyExists, Outdated

__all__ = ["Guard"]

_log = structlog.get_logger()

_CHECK_AGAIN_SECONDS = 5.0
"""For so long a stream goes on without asking whether its caller's token is still good."""

_CODES: tuple[tuple[type[TowpathError], grpc.StatusCode], ...] = (
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (Outdated, grpc.StatusCode.ABORTED),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
)


class Guard(aio.ServerInterceptor):
    """Interceptor of every method."""

    def __init__(self, authentication: Authentication) -> None:
        self._authentication = authentication

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
        call = _Call(self._authentication, method, authorization)
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

    def __init__(self, authentication: Authentication, method: str, authorization: str | None) -> None:
        self._authentication = authentication
        self._method = method
        self._authorization = authorization
        self._caller = ""
        self._trace: dict[str, str] = {}

    def one(self, behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        """Guard a method with one answer."""

        async def guarded(request: Any, context: Context) -> Any:
            began = time.monotonic()
            try:
                await self._admit(context)
                answer = await self._traced(behaviour, request, context)
            except aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence: every failure becomes a status
                await self._fail(error, context, began)
            self._note(grpc.StatusCode.OK, began)
            CALL_SECONDS.labels(self._method).observe(time.monotonic() - began)
            return answer

        return guarded

    async def _traced(self, behaviour: Callable[[Any, Context], Awaitable[Any]], request: Any, context: Context) -> Any:
        """Answer within a span: of admitted calls alone, so that no stranger writes into a trace."""
        if not traces.are_on():
            return await behaviour(request, context)
        with call_span(self._method, request, context) as span:
            self._trace = {"trace_id": trace} if (trace := traces.trace_id()) else {}
            try:
                answer = await behaviour(request, context)
            except Exception as error:
                known = _known(error)
                # As in the log, the reason alone: a message may quote what the caller sent.
                span.answered(_code(known), known.reason)
                raise
            span.answered(grpc.StatusCode.OK)
            span.mark(**names(answer))
            return answer

    def many(self, behaviour: Callable[[Any, Context], AsyncIterable[Any]]) -> Any:
        """Guard a method with a stream of answers, of which none leaves long after its caller's token has ended."""

        async def guarded(request: Any, context: Context) -> AsyncGenerator[Any]:
            began = admitted = time.monotonic()
            try:
                await self._admit(context)
                async for answer in behaviour(request, context):
                    if time.monotonic() - admitted >= _CHECK_AGAIN_SECONDS:
                        await self._admit(context)
                        admitted = time.monotonic()
                    yield answer
            except aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence: every failure becomes a status
                await self._fail(error, context, began)
            self._note(grpc.StatusCode.OK, began)

        return guarded

    async def _admit(self, context: Context) -> None:
        """Find out who calls. Raises Unauthenticated, or Denied when the rule of the method leaves the role out."""
        rule = RULES.get(self._method)
        if rule is None:
            raise Bug(f"nobody has said who may call {self._method}", reason="NO_RULE")
        if rule.open:
            return
        caller = await self._authentication.identify(self._authorization, worker=rule.for_workers)
        self._caller = caller.name
        if caller.role not in rule.roles:
            raise _role_missing(caller, rule)
        calling.set(replace(caller, peer=_address(context.peer())))

    async def _fail(self, error: Exception, context: Context, began: float) -> NoReturn:
        known = _known(error)
        if isinstance(known, Bug):
            _log.error("call failed", method=self._method, caller=self._caller, exc_info=error, **self._trace)
        else:
            _log.info(
                "call refused",
                method=self._method,
                caller=self._caller,
                reason=known.reason,
                fields=sorted(known.fields),
                **self._trace,
            )
        status = to_status(known)
        code = _code(known)
        status.code = code.value[0]
        self._note(code, began)
        context.set_trailing_metadata(status_trailer(status))
        await context.abort(code, short_message(status))
        raise AssertionError

    def _note(self, code: grpc.StatusCode, began: float) -> None:
        CALLS.labels(self._method, code.name).inc()
        seconds = round(time.monotonic() - began, 4)
        _log.debug("call", method=self._method, caller=self._caller, code=code.name, seconds=seconds, **self._trace)


def _known(error: Exception) -> TowpathError:
    """Return a failure as the caller may see it."""
    return error if isinstance(error, TowpathError) else Bug("the server failed; its log says where", reason="BUG")


def _code(error: TowpathError) -> grpc.StatusCode:
    return next((code for kind, code in _CODES if isinstance(error, kind)), error.rule.code)


def _role_missing(caller: Caller, rule: Rule) -> Denied:
    wanted = " or ".join(role.name.lower() for role in sorted(rule.roles))
    return Denied(
        f"{caller.name} has the role {caller.role.name.lower()}; this takes {wanted}: use another token, or ask an "
        "admin for one",
        reason="ROLE_MISSING",
    )


def _address(peer: str) -> str:
    """Return the network address of gRPC's `ipv4:127.0.0.1:4711` without the port; empty for a Unix socket."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""
