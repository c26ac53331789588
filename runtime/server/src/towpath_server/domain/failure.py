"""Failures as they are stored on jobs, attempts and streams."""

from __future__ import annotations

from dataclasses import dataclass

from towpath_sdk.errors import (
    KINDS,
    BadRecord,
    Bug,
    Cancelled,
    Conflict,
    Denied,
    Fenced,
    Kind,
    Misconfigured,
    NotFound,
    Owner,
    PositionLost,
    Throttled,
    TowpathError,
    Unavailable,
)

__all__ = ["Failure", "cancelled_by_user", "error_of", "failure_of"]


@dataclass(frozen=True)
class Failure:
    """What stopped something, as towpath.control.v1.Failure; `origin` is source, destination, worker or server."""

    kind: Kind
    reason: str
    message: str
    owner: Owner
    origin: str

    @property
    def retryable(self) -> bool:
        """A later attempt may succeed."""
        return KINDS[self.kind].retry


def failure_of(error: TowpathError, origin: str) -> Failure:
    """Return the failure that `error` leaves on a resource."""
    return Failure(kind=error.kind, reason=error.reason, message=error.message, owner=error.owner, origin=origin)


def cancelled_by_user() -> Failure:
    """Return the failure of what a user stopped."""
    return Failure(
        kind=Kind.CANCELLED,
        reason="CANCELLED",
        message="cancelled on request; what incremental streams had committed is kept",
        owner=Owner.USER,
        origin="server",
    )


def error_of(failure: Failure) -> TowpathError:
    """Return the error that tells a caller of `failure`; it keeps kind, reason, message and owner."""
    return _ERRORS[failure.kind](failure.message, reason=failure.reason, owner=failure.owner)


_ERRORS: dict[Kind, type[TowpathError]] = {
    error.kind: error
    for error in (
        Misconfigured,
        Denied,
        NotFound,
        Conflict,
        Unavailable,
        Throttled,
        PositionLost,
        BadRecord,
        Fenced,
        Cancelled,
        Bug,
    )
}
