"""Spans as they may leave: without secrets, without stack traces, and bounded in size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

__all__ = ["CleaningProcessor", "cleaned"]

_MAX_TEXT = 1000
_MAX_ATTRIBUTES = 64
_MAX_EVENTS = 32
_STACK = "exception.stacktrace"
"""Shows the texts of every failure behind the one that is told, which nobody has redacted."""

Redact = Callable[[str], str]


class CleaningProcessor(SpanProcessor):
    """Hands sampled spans to another processor, cleaned."""

    def __init__(self, following: BatchSpanProcessor, redact: Redact) -> None:
        self._following = following
        self._redact = redact

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._following.on_end(cleaned(span, self._redact))

    def shutdown(self) -> None:
        """Send what is left; may take long."""
        self._following.shutdown()


def cleaned(span: ReadableSpan, redact: Redact, resource: Resource | None = None) -> ReadableSpan:
    """Return a copy without secrets and stack traces, whose texts have at most 1000 characters."""
    status = span.status
    return ReadableSpan(
        name=_text(span.name, redact),
        context=span.context,
        parent=span.parent,
        resource=resource or span.resource,
        attributes=attributes_of(span.attributes, redact),
        events=[
            Event(_text(event.name, redact), attributes_of(event.attributes, redact), event.timestamp)
            for event in span.events[:_MAX_EVENTS]
        ],
        kind=span.kind,
        status=Status(status.status_code, _text(status.description, redact) if status.description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def attributes_of(attributes: Mapping[str, AttributeValue] | None, redact: Redact) -> dict[str, AttributeValue]:
    """Return attributes, cleaned likewise; of very many, the first 64."""
    kept = [(name, value) for name, value in (attributes or {}).items() if name != _STACK][:_MAX_ATTRIBUTES]
    return {_text(name, redact): _value(value, redact) for name, value in kept}


def _value(value: AttributeValue, redact: Redact) -> AttributeValue:
    if isinstance(value, str):
        return _text(value, redact)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        items = list(value)[:_MAX_ATTRIBUTES]
        return cast("AttributeValue", [_text(item, redact) if isinstance(item, str) else item for item in items])
    return value


def _text(text: str, redact: Redact) -> str:
    clean = redact(text)
    return clean if len(clean) <= _MAX_TEXT else clean[: _MAX_TEXT - 1] + "…"
