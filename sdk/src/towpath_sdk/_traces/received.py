"""Spans out of an OTLP request that another process has sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

__all__ = ["spans_of"]

_KINDS = {kind.value + 1: kind for kind in SpanKind}
_STATUSES = {status.value: status for status in StatusCode}


def spans_of(request: bytes, trace_id: int) -> Iterator[ReadableSpan]:
    """Yield the spans of one trace; links, and values that are no attributes, are left out. Raises ValueError."""
    try:
        message = ExportTraceServiceRequest.FromString(request)
    except DecodeError as error:
        raise ValueError("no OTLP request") from error
    wanted = trace_id.to_bytes(16, "big")
    for group in message.resource_spans:
        resource = Resource(_attributes(group.resource.attributes))
        for scoped in group.scope_spans:
            scope = InstrumentationScope(scoped.scope.name, scoped.scope.version)
            for span in scoped.spans:
                if span.trace_id == wanted:
                    yield _span(span, resource, scope)


def _span(span: trace_pb2.Span, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    code = _STATUSES.get(span.status.code, StatusCode.UNSET)
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent_span_id) if span.parent_span_id else None,
        resource=resource,
        attributes=_attributes(span.attributes),
        events=[Event(event.name, _attributes(event.attributes), event.time_unix_nano) for event in span.events],
        kind=_KINDS.get(span.kind, SpanKind.INTERNAL),
        status=Status(code, span.status.message if code is StatusCode.ERROR else None),
        start_time=span.start_time_unix_nano,
        end_time=span.end_time_unix_nano,
        instrumentation_scope=scope,
    )


def _context(trace_id: bytes, span_id: bytes) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int.from_bytes(trace_id, "big"), int.from_bytes(span_id[:8], "big"), True, sampled)


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, AttributeValue]:
    found = ((pair.key, _value(pair.value)) for pair in pairs)
    return {key: value for key, value in found if value is not None}


def _value(value: AnyValue) -> AttributeValue | None:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value", "double_value"):
        return cast("AttributeValue", getattr(value, kind))
    if kind == "array_value":
        return [item.string_value for item in value.array_value.values if item.WhichOneof("value") == "string_value"]
    return None
