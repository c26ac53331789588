"""What an activity's failure means to a workflow."""

from __future__ import annotations

from typing import Any, cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.exceptions import TimeoutError as ActivityTimeoutError

with workflow.unsafe.imports_passed_through():
    from towpath_contracts import FailureNote
    from towpath_sdk.errors import KINDS, Kind, Owner

__all__ = ["CANCELLED", "note_of"]

CANCELLED = FailureNote(Kind.CANCELLED.value, "CANCELLED", "cancelled on request", Owner.USER.value, "worker")
"""Why the transfer of a cancelled job stopped."""


def note_of(error: ActivityError) -> FailureNote:
    """Return the failure that an activity raised, or one that says how Temporal lost the activity."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return CANCELLED
    if isinstance(cause, ApplicationError):
        return _application(cause)
    if isinstance(cause, ActivityTimeoutError):
        message = "the worker stopped answering and no attempt is left; see the workers' logs"
        return FailureNote(Kind.UNAVAILABLE.value, "WORKER_LOST", message, Owner.PLATFORM.value, "worker")
    return FailureNote(Kind.BUG.value, "BUG", str(cause or error), Owner.PLATFORM.value, "worker")


def _application(error: ApplicationError) -> FailureNote:
    if error.details and isinstance(error.details[0], dict):
        fields = cast("dict[str, Any]", error.details[0])
        return FailureNote(**fields)
    try:
        kind = Kind(error.type)
    except ValueError:
        kind = Kind.BUG
    return FailureNote(kind.value, kind.name, error.message, KINDS[kind].owner.value, "worker")
