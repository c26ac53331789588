"""What a worker counts, in Prometheus' terms, and the interceptor that counts it."""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

__all__ = ["CountActivities"]

_RUNNING = Gauge("towpath_worker_activities_running", "Activities that this worker is at work on.", ["activity"])
_ENDED = Counter("towpath_worker_activities", "Activities that ended on this worker.", ["activity", "outcome"])
_SECONDS = Histogram(
    "towpath_worker_activity_seconds",
    "Time that activities took on this worker, in seconds.",
    ["activity"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)


class CountActivities(Interceptor):
    """Counts every activity of a worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # Temporal's name
        """Stand before each."""
        return _Counted(next)


class _Counted(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # Temporal's name
        name, began = activity.info().activity_type, time.monotonic()
        outcome = "failed"
        with _RUNNING.labels(name).track_inprogress():
            try:
                result = await super().execute_activity(input)
                outcome = "done"
            finally:
                _ENDED.labels(name, outcome).inc()
                _SECONDS.labels(name).observe(time.monotonic() - began)
        return result
