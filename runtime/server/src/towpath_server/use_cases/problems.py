"""Failures that only the server knows; each is one of the error tree, with a reason of its own."""

from __future__ import annotations

from towpath_sdk.errors import Conflict, Denied, NotFound

from towpath_server.domain.job import Job

__all__ = ["AlreadyExists", "JobActive", "JobEnded", "NotHeld", "Outdated", "check_held", "no_such"]


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


class NotHeld(Denied):
    """The job or task is another worker's."""

    def __init__(self, name: str, holder: str) -> None:
        """Name the job or task, and who holds it; nobody when that is empty."""
        whose = f"held by {holder}" if holder else "held by nobody yet"
        super().__init__(f"{name} is {whose}; take it before changing it", reason="NOT_HELD")


def check_held(job: Job, holder: str) -> None:
    """Raise NotHeld unless `holder` began the newest attempt or publication of a job.

    One that a server without this rule began has an epoch but no holder, and is anybody's.
    """
    if job.holder != holder and not (job.epoch and not job.holder):
        raise NotHeld(job.name, job.holder)


def no_such(name: str) -> NotFound:
    """Return the failure that says that a resource does not exist."""
    return NotFound(f"{name} does not exist; list the {name.partition('/')[0]} to see what does", reason="NOT_FOUND")
