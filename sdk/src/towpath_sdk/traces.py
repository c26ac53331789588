"""Spans of this process: where time goes between a call of the API and the last object, as one trace.

Off unless the environment names a collector with OTEL_EXPORTER_OTLP_ENDPOINT: then nothing of OpenTelemetry is
imported, and everything here does nothing. On, spans leave over OTLP/gRPC, and a trace goes on from one process to the
next in the metadata `traceparent` of a call (W3C Trace Context).

What a span says: names of methods, jobs, connections, streams and connectors, and why something failed. Never a
configuration, a row or a secret: secrets that are remembered here are masked in whatever leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

import grpc
import grpc.aio

from towpath_sdk.errors import Misconfigured, TowpathError
from towpath_sdk.redaction import KnownSecrets, Redactor

__all__ = [
    "Metadata",
    "Span",
    "SpanKind",
    "are_on",
    "begin",
    "begin_trace",
    "current",
    "handover",
    "remember",
    "span",
    "start_traces",
    "stop_traces",
    "through",
    "trace_id",
    "why",
    "with_trace_id",
]

Metadata: TypeAlias = tuple[tuple[str, str], ...]
SpanKind: TypeAlias = Literal["internal", "server", "client"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class Span(Protocol):
    """One span, or nothing when traces are off."""

    @property
    def metadata(self) -> Metadata:
        """What a call takes along so that its callee's spans become children of this one."""
        ...

    def mark(self, **about: str | int) -> None:
        """Say what it is about: `job="jobs/7"` becomes the attribute `towpath.job`; empty texts are left out."""
        ...

    def answered(self, code: grpc.StatusCode, reason: str = "") -> None:
        """Say how a gRPC call ended; any code but OK is an error, for `reason`."""
        ...

    def fail(self, reason: str) -> None:
        """Call it an error, and say why, without secrets. Only the first reason counts."""
        ...

    def end(self) -> None:
        """End it now. Only the first call counts."""
        ...


class Tracing(Protocol):
    """Traces that are on."""

    def begin(self, name: str, kind: SpanKind, caller: Iterable[tuple[str, str | bytes]] | None) -> Span:
        """See `begin` of this module."""
        ...

    def begin_trace(self, name: str, seed: str, start: int) -> Span:
        """See `begin_trace` of this module."""
        ...

    def within(self, span: Span) -> AbstractContextManager[None]:
        """Make a span the current one."""
        ...

    def current(self) -> Span | None:
        """Return the current span; None when there is none, or nobody records it."""
        ...

    def trace_id(self) -> str:
        """Return the id of the current trace in 32 hexadecimal digits; empty when there is none."""
        ...

    def handover(self, connector: str, redactor: Redactor) -> Callable[[bytes], None]:
        """See `handover` of this module."""
        ...

    def stop(self, seconds: float) -> None:
        """Send what is left."""
        ...


class _Nothing:
    """What takes the place of a span when traces are off."""

    metadata: Metadata = ()

    def mark(self, **about: str | int) -> None:
        """Do nothing."""

    def answered(self, code: grpc.StatusCode, reason: str = "") -> None:
        """Do nothing."""

    def fail(self, reason: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class _State:
    """What is on in this process. Set once, at the start."""

    tracing: Tracing | None = None
    secrets = KnownSecrets()


_NOTHING = _Nothing()


def start_traces(service: str, environ: Mapping[str, str], secrets: KnownSecrets | None = None) -> str:
    """Turn spans of this process on if the environment wants them; return the `host:port` that they go to, or "".

    Wanted they are when OTEL_EXPORTER_OTLP_ENDPOINT (or ..._TRACES_ENDPOINT) is set, and neither OTEL_SDK_DISABLED nor
    OTEL_TRACES_EXPORTER=none forbids it. The other variables of OpenTelemetry's exporter and sampler count as well.
    `secrets` are masked, those that are remembered later too. Raises Misconfigured when it cannot be done.
    """
    endpoint = next((environ[name] for name in _ENDPOINTS if environ.get(name)), "")
    disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not endpoint or disabled or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return ""
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "grpc")
    if protocol != "grpc":
        raise Misconfigured(
            f"traces leave over OTLP/gRPC only, not over {protocol!r}; set {_PROTOCOLS[1]}=grpc, and {_ENDPOINTS[1]} to"
            " the collector's gRPC port, which mostly is 4317",
            reason="INVALID_TRACES",
        )
    if "@" in endpoint:
        raise Misconfigured(
            f"{_ENDPOINTS[1]} holds a user or password, which gRPC does not send and the log would show; give what the"
            " collector asks for in OTEL_EXPORTER_OTLP_HEADERS",
            reason="INVALID_TRACES",
        )
    _State.secrets = secrets or _State.secrets
    try:
        from towpath_sdk._traces.tracing import OtelTracing  # noqa: PLC0415 - costs a fifth of a second, and is optional
    except ImportError as error:
        raise Misconfigured(
            f"{_ENDPOINTS[1]} asks for traces, and OpenTelemetry is not installed: pip install 'towpath-sdk[otel]'",
            reason="NO_OPENTELEMETRY",
        ) from error
    try:
        _State.tracing = OtelTracing(environ.get("OTEL_SERVICE_NAME") or service, environ, _State.secrets)
    except (ValueError, RuntimeError, OSError) as error:
        raise Misconfigured(
            f"traces cannot be sent as the variables OTEL_* say: {type(error).__name__}", reason="INVALID_TRACES"
        ) from error
    return _host(endpoint)


def stop_traces(seconds: float) -> None:
    """Send what is left, for at most so many seconds."""
    if _State.tracing is not None:
        _State.tracing.stop(seconds)


def are_on() -> bool:
    """Say whether this process makes spans."""
    return _State.tracing is not None


def remember(redactor: Redactor) -> None:
    """Mask these secrets in every span from now on."""
    if _State.tracing is not None:
        _State.secrets.remember(redactor)


def begin(
    name: str,
    kind: SpanKind = "internal",
    caller: Iterable[tuple[str, str | bytes]] | None = None,
    **about: str | int,
) -> Span:
    """Begin a span below the current one, or below the caller's whose metadata are given; somebody has to end it.

    A name with a slash at its beginning is the gRPC method that is called or served. For `about` see `Span.mark`.
    """
    if _State.tracing is None:
        return _NOTHING
    span = _State.tracing.begin(name, kind, caller)
    span.mark(**about)
    return span


def begin_trace(name: str, seed: str, start: int) -> Span:
    """Begin the first span of a trace whose ids are made of `seed`: whoever begins it again means the same one.

    `start` is in nanoseconds since 1970. It is sent once it is ended.
    """
    return _NOTHING if _State.tracing is None else _State.tracing.begin_trace(name, seed, start)


@contextmanager
def through(span: Span) -> Generator[Span]:
    """Make a span current for the block, and end it with the block; what is raised makes it an error."""
    if _State.tracing is None or isinstance(span, _Nothing):
        yield span
        return
    try:
        with _State.tracing.within(span):
            yield span
    except grpc.aio.AbortError:
        raise  # whoever aborted has said why
    except BaseException as error:
        span.fail(why(error))
        raise
    finally:
        span.end()


def span(
    name: str,
    kind: SpanKind = "internal",
    caller: Iterable[tuple[str, str | bytes]] | None = None,
    **about: str | int,
) -> AbstractContextManager[Span]:
    """Begin a span for a block, which is current in it; see `begin` and `through`."""
    return through(begin(name, kind, caller, **about))


def current() -> Span:
    """Return the span that is current here; one that does nothing when there is none."""
    found = _State.tracing.current() if _State.tracing is not None else None
    return found or _NOTHING


def trace_id() -> str:
    """Return the id of the trace that is current here, in 32 hexadecimal digits; empty when there is none."""
    return _State.tracing.trace_id() if _State.tracing is not None else ""


def handover(connector: str, redactor: Redactor) -> Callable[[bytes], None] | None:
    """Return what takes spans of a connector that works within the current trace, each time an OTLP request's bytes.

    They are redacted, bounded, marked with the connector's name, and sent on as this process's own; those of other
    traces are dropped. None when nobody would see them.
    """
    if _State.tracing is None or _State.tracing.current() is None:
        return None
    return _State.tracing.handover(connector, redactor)


def with_trace_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add `trace_id` to an event that is logged within a trace; a processor of structlog's."""
    if _State.tracing is not None and (found := _State.tracing.trace_id()):
        event.setdefault("trace_id", found)
    return event


def why(error: BaseException) -> str:
    """Return the reason of a failure for a span: of unforeseen ones the type alone, whose text may hold anything."""
    inner = getattr(error, "error", error)
    if isinstance(inner, TowpathError):
        return f"{inner.reason}: {inner.message}"
    return "CANCELLED" if isinstance(error, asyncio.CancelledError) else type(error).__name__


def _host(endpoint: str) -> str:
    """Return host and port of an URL, and nothing else of it: it may hold a password."""
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "its endpoint"
    return f"{host}:{port}" if port else host or "its endpoint"
