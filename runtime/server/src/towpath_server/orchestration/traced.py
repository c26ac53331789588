"""Hands the trace of a call on to the workflow that it starts."""

from __future__ import annotations

from opentelemetry import trace
from temporalio.client import Interceptor
from temporalio.contrib.opentelemetry import TracingInterceptor

__all__ = ["traced_client"]


def traced_client() -> Interceptor:
    """Return what a client of Temporal needs for that."""
    return TracingInterceptor(trace.get_tracer("towpath"))
