"""The span of one admitted call."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from towpath_sdk import traces
from towpath_sdk.traces import Span

from towpath_server.api.context import Context

__all__ = ["call_span", "names"]

_OURS = "/towpath."
_FOR_WORKERS = "/towpath.runtime.v1."
_NAME = re.compile(r"(connection|job|connector|source|destination)s/[A-Za-z0-9._-]{1,100}")
_FIELDS = ("name", "job", "connection")


def call_span(method: str, request: Any, context: Context) -> AbstractContextManager[Span]:
    """Begin the span of a call, below its caller's if that says so; it is about the resource that the request names.

    Health checks get none, nor a worker's call without a trace: its clock makes several a second.
    """
    caller = tuple((str(key), value) for key, value in context.invocation_metadata() or ())
    alone = not any(key == "traceparent" for key, _ in caller)
    if not method.startswith(_OURS) or (alone and method.startswith(_FOR_WORKERS)):
        return nullcontext(traces.current())
    return traces.span(method, "server", caller, **names(request))


def names(message: Any) -> dict[str, str]:
    """Return what resources a message names, by their kind: `{"job": "jobs/7"}`."""
    found: dict[str, str] = {}
    for field in _FIELDS:
        value = getattr(message, field, None)
        value = getattr(value, "name", value)  # of a job in an answer, its name
        if isinstance(value, str) and (match := _NAME.fullmatch(value)):
            found[match.group(1)] = value
    return found
