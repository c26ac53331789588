"""Spans of the calls that the worker makes, whose callees' spans become their children."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import grpc.aio
from towpath_sdk import traces
from towpath_sdk.status import from_rpc
from towpath_sdk.traces import Span

__all__ = ["QUIET", "TracedCalls", "follow"]

QUIET = frozenset(
    f"/towpath.runtime.v1.{name}" for name in ("JobRunService/ReportProgress", "JobRunService/AppendLogs")
)
"""Calls that the clock makes rather than the job: once a second and more, they would bury what a trace is to show."""

_following: set[asyncio.Task[None]] = set()


class TracedCalls(grpc.aio.UnaryUnaryClientInterceptor):
    """Makes a span of each unary call within a trace; a call outside of one begins none."""

    def __init__(self, **about: str) -> None:
        """Take what all calls of a channel are about; see `Span.mark`."""
        self._about = about

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make one call."""
        details = client_call_details
        method = details.method.decode() if isinstance(details.method, bytes) else str(details.method)
        if method in QUIET or not traces.trace_id():
            return await continuation(details, request)
        with traces.span(method, "client", None, **self._about, **_names(request)) as span:
            metadata = grpc.aio.Metadata(*(details.metadata or ()), *span.metadata)
            call = await continuation(
                grpc.aio.ClientCallDetails(
                    details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
                ),
                request,
            )
            await _note(call, span)
            return call


def follow(call: Any, span: Span) -> None:
    """End a span when its streaming call ends; nobody else has to look."""
    if not traces.are_on():
        return

    async def wait() -> None:
        try:
            await _note(call, span)
        finally:
            span.end()

    task = asyncio.create_task(wait())
    _following.add(task)
    task.add_done_callback(_following.discard)


async def _note(call: Any, span: Span) -> None:
    """Wait for a call's end, and say how it went."""
    code = cast("grpc.StatusCode", await call.code())
    reason = ""
    if code is not grpc.StatusCode.OK:
        trailing = grpc.aio.Metadata.from_tuple(tuple(await call.trailing_metadata() or ()))
        details = cast("str", await call.details())
        reason = traces.why(from_rpc(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details)))
    span.answered(code, reason)


def _names(request: Any) -> dict[str, str]:
    """Return the job that a request of towpath.runtime.v1 names."""
    job = getattr(request, "job", "")
    return {"job": job} if isinstance(job, str) and job else {}
