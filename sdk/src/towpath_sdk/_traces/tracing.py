"""Traces that are on: OpenTelemetry's SDK with an exporter for OTLP over gRPC, which sends from a thread of its own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import grpc
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from towpath_sdk._traces.cleaning import CleaningProcessor, attributes_of, cleaned
from towpath_sdk._traces.received import spans_of
from towpath_sdk.redaction import KnownSecrets, Redactor
from towpath_sdk.traces import Metadata, Span, SpanKind

__all__ = ["OtelTracing"]

_DELAY_MS = 1000
"""Time between two batches of spans, unless OTEL_BSP_SCHEDULE_DELAY says otherwise: a connector may live shortly."""
_MOST_HANDED_OVER = 20_000
"""Spans that one launched connector may have sent on: two for each of very many streams."""

_KINDS: dict[SpanKind, trace.SpanKind] = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
}
_UNSET = Status()
_propagator = TraceContextTextMapPropagator()
_wanted_ids: ContextVar[tuple[int, int] | None] = ContextVar("towpath_wanted_ids", default=None)


class OtelSpan:
    """A span of OpenTelemetry's."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span

    @property
    def metadata(self) -> Metadata:
        """W3C Trace Context."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, trace.set_span_in_context(self.span, Context()))
        return tuple(carrier.items())

    def mark(self, **about: str | int) -> None:
        """Set attributes."""
        for name, value in about.items():
            if value != "":
                self.span.set_attribute(f"towpath.{name}", value)

    def answered(self, code: grpc.StatusCode, reason: str = "") -> None:
        """Set code and status of a gRPC call."""
        self.span.set_attribute("rpc.grpc.status_code", cast("tuple[int, str]", code.value)[0])
        if code is not grpc.StatusCode.OK:
            self.fail(reason or code.name)

    def fail(self, reason: str) -> None:
        """Set the status; what was said first stands."""
        if getattr(self.span, "status", _UNSET).status_code is not StatusCode.ERROR:
            self.span.set_status(Status(StatusCode.ERROR, reason))

    def end(self) -> None:
        """End it."""
        if self.span.is_recording():
            self.span.end()


class OtelTracing:
    """The spans of one process."""

    def __init__(self, service: str, environ: Mapping[str, str], secrets: KnownSecrets) -> None:
        delay = None if environ.get("OTEL_BSP_SCHEDULE_DELAY") else _DELAY_MS
        self._new_processor = lambda: CleaningProcessor(
            BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=delay), secrets.redact
        )
        self._handed_over: CleaningProcessor | None = None
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False, id_generator=_Ids()
        )
        self._provider.add_span_processor(self._new_processor())
        trace.set_tracer_provider(self._provider)  # what a connector's author traces joins in
        self._tracer = self._provider.get_tracer("towpath")

    def begin(self, name: str, kind: SpanKind, caller: Iterable[tuple[str, str | bytes]] | None) -> Span:
        """Begin a span; see `towpath_sdk.traces.begin`."""
        context = None if caller is None else _context_of(caller)
        attributes: dict[str, str] = {}
        if name.startswith("/"):
            name = name[1:]
            service, _, method = name.rpartition("/")
            attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        return OtelSpan(self._tracer.start_span(name, context, _KINDS[kind], attributes))

    def begin_trace(self, name: str, seed: str, start: int) -> Span:
        """Begin the first span of a trace; see `towpath_sdk.traces.begin_trace`."""
        digest = hashlib.sha256(seed.encode()).digest()
        token = _wanted_ids.set((int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big")))
        try:
            return OtelSpan(self._tracer.start_span(name, Context(), start_time=start))
        finally:
            _wanted_ids.reset(token)

    @contextmanager
    def within(self, span: Span) -> Generator[None]:
        """Make a span current."""
        inner = cast("OtelSpan", span).span
        with trace.use_span(inner, end_on_exit=False, record_exception=False, set_status_on_exception=False):
            yield

    def current(self) -> Span | None:
        """Return the current span, if it is recorded."""
        span = trace.get_current_span()
        return OtelSpan(span) if span.is_recording() else None

    def trace_id(self) -> str:
        """Return the current trace's id."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else ""

    def handover(self, connector: str, redactor: Redactor) -> Callable[[bytes], None]:
        """Return what takes spans of a connector; they have a queue of their own, so that they displace nobody's."""
        trace_id = trace.get_current_span().get_span_context().trace_id
        if self._handed_over is None:
            self._handed_over = self._new_processor()
        following, left = self._handed_over, _MOST_HANDED_OVER

        def take(request: bytes) -> None:
            nonlocal left
            for span in spans_of(request, trace_id):
                if left <= 0:
                    return
                left -= 1
                facts = attributes_of(span.resource.attributes, redactor.redact) | {"towpath.connector": connector}
                following.on_end(cleaned(span, redactor.redact, Resource(facts)))

        return take

    def stop(self, seconds: float) -> None:
        """Send what is left; gives up after some time, because a collector that is away is waited for otherwise."""

        def shut_down() -> None:
            if self._handed_over is not None:
                self._handed_over.shutdown()
            self._provider.shutdown()

        stopping = threading.Thread(target=shut_down, name="towpath-traces", daemon=True)
        stopping.start()
        stopping.join(seconds)


class _Ids(RandomIdGenerator):
    """Random ids, unless somebody wants certain ones."""

    def generate_trace_id(self) -> int:
        """Return the next id of a trace."""
        wanted = _wanted_ids.get()
        return wanted[0] if wanted is not None else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the next id of a span."""
        wanted = _wanted_ids.get()
        return wanted[1] if wanted is not None else super().generate_span_id()


def _context_of(caller: Iterable[tuple[str, Any]]) -> Context:
    carrier = {key: value for key, value in caller if isinstance(value, str) and key in ("traceparent", "tracestate")}
    return _propagator.extract(carrier, Context())
