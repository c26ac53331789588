"""A span for each call to the connector, below the caller's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from towpath_sdk import traces
from towpath_sdk._serve.door import OURS, wrapped

__all__ = ["Traced"]


class Traced(grpc.aio.ServerInterceptor):
    """Makes the spans, of Towpath's own methods. A call may bring `traceparent`; without, its span begins a trace."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of one call."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or not method.startswith(OURS):
            return handler
        caller = tuple(handler_call_details.invocation_metadata)

        def with_span(handle: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
            async def handled(request: Any, context: Any) -> Any:
                with traces.span(method, "server", caller) as span:
                    answer = await handle(request, context)
                    span.answered(grpc.StatusCode.OK)
                    return answer

            return handled

        return wrapped(handler, with_span)
