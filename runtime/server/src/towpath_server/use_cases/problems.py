"""Failures that only the server knows; each is one of the error tree, with a reason of its own."""

from __future__ import annotations

from towpath_sdk.errors import Conflict, NotFound

__all__ = ["AlreadyExists", "JobActive", "JobEnded", "Outdated", "no_such"]


class AlreadyExists(Conflict):
    """The id is taken; ALREADY_EXISTS on the wire."""

    def __init__(self, name: str) -> None:
        """Name the resource that is there."""
        super().__init__(f"{name} already exists; choose another id, or update it", reason="ALREADY_EXISTS")


class Outdated(Conflict):
    """The request carries an etag that is not the newest; ABORTED on the wire."""

    def __init__(self, name: str) -> None:
        """Name the resource that has changed."""
        super().__init__(f"{name} has changed meanwhile; get it again, then repeat the change", reason="ETAG_MISMATCH")


class JobActive(Conflict):
    """Another job of the connection is queued or running."""

    def __init__(self, connection: str, job: str) -> None:
        """Name the connection and its job."""
        super().__init__(f"{connection} is busy with {job}; wait until it has ended, or cancel it", reason="JOB_ACTIVE")
        self.job = job


class JobEnded(Conflict):
    """The job is over."""

    def __init__(self, job: str, state: str) -> None:
        """Name the job and its terminal state."""
        super().__init__(f"{job} has already ended: {state}", reason="JOB_ENDED")


def no_such(name: str) -> NotFound:
    """Return the failure that says that a resource does not exist."""
    return NotFound(f"{name} does not exist; list the {name.partition('/')[0]} to see what does", reason="NOT_FOUND")
