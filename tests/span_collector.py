"""A collector of traces: OpenTelemetry's own service on a free port, which keeps what it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

__all__ = ["Collector", "Seen"]


@dataclass(frozen=True)
class Seen:
    """A span: which service made it, and what it says about itself and its process."""

    service: str
    name: str
    span: Span
    about: dict[str, Any]

    @property
    def trace(self) -> str:
        """Id of its trace."""
        return self.span.trace_id.hex()

    @property
    def failed(self) -> str:
        """Why it is an error; empty when it is none."""
        return self.span.status.message if self.span.status.code == Status.STATUS_CODE_ERROR else ""


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """A context manager that serves at `endpoint`."""

    seen: list[Seen] = field(default_factory=list[Seen])
    raw: list[bytes] = field(default_factory=list[bytes])
    """Requests as they came."""
    headers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __enter__(self) -> Self:
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0)

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 as the service names it
        """Take spans."""
        self.raw.append(request.SerializeToString())
        self.headers.append(dict(context.invocation_metadata()))
        for group in request.resource_spans:
            resource = _plain(group.resource.attributes)
            for scoped in group.scope_spans:
                self.seen.extend(
                    Seen(resource["service.name"], span.name, span, resource | _plain(span.attributes))
                    for span in scoped.spans
                )
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait(self, *wanted: Callable[[Seen], bool], seconds: float = 20.0) -> list[Seen]:
        """Wait until a span of each kind is there, and return the first of each: they come batch by batch."""
        deadline = time.monotonic() + seconds
        while True:
            found = [next(filter(one, list(self.seen)), None) for one in wanted]
            there = [one for one in found if one is not None]
            if len(there) == len(wanted):
                return there
            missing = [number for number, one in enumerate(found) if one is None]
            assert time.monotonic() < deadline, f"{missing} of {[(one.service, one.name) for one in self.seen]}"
            time.sleep(0.05)

    def line(self, seen: Seen, seconds: float = 10.0) -> Sequence[str]:
        """Return the names of the span's ancestors and its own, the first of the trace first; waits for those to come.

        A parent ends after its child, and comes later.
        """
        deadline = time.monotonic() + seconds
        names = [seen.name]
        while seen.span.parent_span_id:
            parent = next((one for one in list(self.seen) if one.span.span_id == seen.span.parent_span_id), None)
            if parent is None:
                assert time.monotonic() < deadline, f"nobody sent the parent of {names}"
                time.sleep(0.05)
                continue
            seen = parent
            names.insert(0, seen.name)
        return names


def _plain(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}
