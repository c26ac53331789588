"""When activities are tried again. The kind of a failure decides: its value is the type of the ApplicationError."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from towpath_contracts import NON_RETRYABLE

__all__ = [
    "HEARTBEAT_TIMEOUT",
    "LONGEST_ATTEMPT",
    "LONGEST_PUBLICATION",
    "LONGEST_SERVER_CALL",
    "PATIENT",
    "attempts",
]

HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""A worker that is silent for this long is given up, and another attempt begins, which fences the silent one."""

LONGEST_ATTEMPT = timedelta(days=30)
"""Bounds one attempt of a transfer; heartbeats, not this, discover a dead worker."""

LONGEST_PUBLICATION = timedelta(days=1)
"""Bounds one attempt of a publication."""

LONGEST_SERVER_CALL = timedelta(minutes=1)
"""Bounds one attempt of an activity that only asks the server."""

PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=NON_RETRYABLE,
)
"""For what must come to an end, however long the other side is away: opening a job, publishing it."""


def attempts(maximum: int) -> RetryPolicy:
    """Return the policy of `transfer`: at most `maximum` attempts, each of which continues after the last commit."""
    return RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=1),
        maximum_attempts=maximum,
        non_retryable_error_types=NON_RETRYABLE,
    )
