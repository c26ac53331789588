"""How an activity ends: heartbeats while it runs, and failures as Temporal and the workflow understand them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio import activity
from temporalio.exceptions import ApplicationError
from towpath_sdk.errors import Cancelled, Unavailable

from towpath_worker.failures import Located, note

__all__ = ["application_error", "beating", "interruption"]

_BEAT = 1.0


@asynccontextmanager
async def beating() -> AsyncGenerator[None]:
    """Send a heartbeat once a second: it says that this worker lives, and brings back a cancel."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_BEAT)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


def application_error(failure: Located) -> ApplicationError:
    """Return the failure for Temporal: its type is the value of the kind, its detail a FailureNote without secrets."""
    error = failure.error
    facts = note(failure)
    return ApplicationError(
        facts.message,
        facts,
        type=error.kind.value,
        non_retryable=not error.rule.retry,
        next_retry_delay=error.retry_after,
    )


def interruption() -> Located:
    """Say why the running activity was cancelled: a request, or this worker's end, which another one makes good."""
    details = activity.cancellation_details()
    shutdown = details.worker_shutdown if details is not None else activity.is_worker_shutdown()
    if shutdown:
        message = "the worker was shut down; another attempt continues after the last commit"
        return Located(Unavailable(message, reason="WORKER_SHUTDOWN"), "worker")
    if details is not None and not details.cancel_requested:
        message = "Temporal no longer waits for this attempt"
        return Located(Unavailable(message, reason="ATTEMPT_ABANDONED"), "worker")
    return Located(Cancelled("cancelled on request"), "worker")
