"""Where a connector sends its spans: to the worker, over a socket beside its own.

So a container needs no way to the collector, and no connector learns of the headers that open it. The worker passes on
what belongs to the trace for which the connector was launched.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from towpath_worker.launch.port import OnSpans
from towpath_worker.launch.run_dir import ConnectorDir

__all__ = ["receiving"]

_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
_MAX_BYTES = 4 * 1024 * 1024
_OPTIONS = (("grpc.max_receive_message_length", _MAX_BYTES), ("grpc.so_reuseport", 0))
_NOTHING_WRONG = b""
"""An ExportTraceServiceResponse without fields."""


@asynccontextmanager
async def receiving(
    folder: ConnectorDir, take: OnSpans | None, user: int | None = None, seen_at: str = ""
) -> AsyncGenerator[dict[str, str]]:
    """Receive a connector's spans for as long as this lasts; yields the variables that tell it to send them.

    The socket is handed to `user`, and its folder is called `seen_at` where the connector runs. Nothing is received,
    and no variable set, where nobody takes spans.
    """
    if take is None:
        yield {}
        return
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=4)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": _exporting(take)}),))
    server.add_insecure_port(f"unix:{folder.spans}")
    await server.start()
    try:
        if user is not None and user != os.geteuid():
            os.chown(folder.spans, user, user, follow_symlinks=False)
        address = f"unix:{seen_at}/{folder.spans.name}" if seen_at else f"unix:{folder.spans}"
        yield {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true",
        }
    finally:
        await server.stop(0)


def _exporting(take: OnSpans) -> grpc.RpcMethodHandler[Any, Any]:
    async def export(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        try:
            take(request)
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return _NOTHING_WRONG

    return grpc.unary_unary_rpc_method_handler(export)
