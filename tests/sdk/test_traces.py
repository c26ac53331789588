"""Spans: when they are wanted, and what of those that another process hands over may leave."""

from __future__ import annotations

import sys

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from opentelemetry.trace import StatusCode
from towpath_sdk import traces
from towpath_sdk._traces.cleaning import cleaned
from towpath_sdk._traces.received import spans_of
from towpath_sdk.errors import Misconfigured
from towpath_sdk.redaction import Redactor

TRACE = 0xA1
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}
SECRET = "correct-horse-Battery-9-staple"


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def request_of(*spans: Span) -> bytes:
    group = ResourceSpans(
        resource=Resource(attributes=[text("service.name", "shop")]), scope_spans=[ScopeSpans(spans=spans)]
    )
    return ExportTraceServiceRequest(resource_spans=[group]).SerializeToString()


def span_of(trace: int, **fields: object) -> Span:
    ids = {"trace_id": trace.to_bytes(16, "big"), "span_id": b"12345678", "parent_span_id": b"87654321"}
    return Span(**ids, start_time_unix_nano=1, end_time_unix_nano=2, **fields)  # pyright: ignore[reportArgumentType]


def test_span_of_a_connector_leaves_without_its_secrets_and_stack_traces() -> None:
    """A connector in another language may put anything into a span; the collector is read by many."""
    values = [AnyValue(string_value=f"a {SECRET}"), AnyValue(string_value="b")]
    sent = span_of(
        TRACE,
        name=f"SELECT {SECRET}",
        kind=Span.SPAN_KIND_CLIENT,
        attributes=[
            text("db.user", SECRET),
            text("long", "x" * 5000),
            KeyValue(key="list", value=AnyValue(array_value=ArrayValue(values=values))),
            KeyValue(key="rows", value=AnyValue(int_value=7)),
            KeyValue(key="nothing", value=AnyValue()),
        ],
        events=[Span.Event(name="exception", attributes=[text("exception.stacktrace", "at x"), text("why", SECRET)])],
        status=Status(code=Status.STATUS_CODE_ERROR, message=f"bad password {SECRET}"),
    )
    (received,) = spans_of(request_of(sent), TRACE)
    span = cleaned(received, Redactor([SECRET]).redact)
    assert SECRET not in span.to_json()
    assert span.name == "SELECT ***"
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "bad password ***"
    assert dict(span.attributes or {}) == {
        "db.user": "***",
        "long": "x" * 999 + "…",
        "list": ["a ***", "b"],
        "rows": 7,
    }
    assert [dict(event.attributes or {}) for event in span.events] == [{"why": "***"}]
    assert span.parent is not None
    assert span.parent.span_id == int.from_bytes(b"87654321", "big")


def test_span_of_another_trace_is_dropped() -> None:
    """A connector can write into the trace of the job that it works for, and into no other."""
    request = request_of(span_of(TRACE, name="mine"), span_of(0xB2, name="somebody else's"))
    assert [span.name for span in spans_of(request, TRACE)] == ["mine"]
    with pytest.raises(ValueError, match="no OTLP request"):
        list(spans_of(b"\xff\xff\xff", TRACE))


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**COLLECTOR, "OTEL_SDK_DISABLED": "true"},
        {**COLLECTOR, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_traces_are_off_unless_they_are_asked_for(environ: dict[str, str]) -> None:
    """Off, everything about spans can be called, and does nothing."""
    assert traces.start_traces("shop", environ) == ""
    assert not traces.are_on()
    with traces.span("work", job="jobs/1") as span:
        span.fail("no")
        assert (span.metadata, traces.trace_id()) == ((), "")
        assert traces.handover("connectors/shop", Redactor()) is None
        assert traces.with_trace_id(None, "info", {"event": "x"}) == {"event": "x"}


def test_traces_that_cannot_be_sent_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that stays empty without a word is looked for in the wrong place."""
    with pytest.raises(Misconfigured, match="set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"):
        traces.start_traces("shop", {**COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
    with pytest.raises(Misconfigured, match="in OTEL_EXPORTER_OTLP_HEADERS") as refused:
        traces.start_traces("shop", {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://shop:{SECRET}@collector:4317"})
    assert SECRET not in str(refused.value)
    monkeypatch.setitem(sys.modules, "towpath_sdk._traces.tracing", None)
    with pytest.raises(Misconfigured, match=r"pip install 'towpath-sdk\[otel\]'"):
        traces.start_traces("shop", COLLECTOR)
    assert not traces.are_on()
