"""A failure and where it happened, and its form on the wire. Who retries what is decided by the kind alone."""

from __future__ import annotations

from typing import Literal, TypeAlias

from towpath.control.v1 import failures_pb2
from towpath_contracts import FailureNote
from towpath_sdk.errors import Bug, Kind, Owner, TowpathError

__all__ = ["MESSAGE_LIMIT", "Located", "Origin", "failure_message", "locate", "note", "note_message", "shorten"]

Origin: TypeAlias = Literal["source", "destination", "worker", "server"]

MESSAGE_LIMIT = 2000
"""Characters of a message that travel on: a failure has to fit into a gRPC status of 4 KiB, and to be read."""


class Located(Exception):
    """A failure together with where it happened."""

    def __init__(self, error: TowpathError, origin: Origin) -> None:
        super().__init__(str(error))
        self.error = error
        self.origin: Origin = origin


def locate(error: BaseException, origin: Origin = "worker") -> Located:
    """Say where `error` happened, unless it is known already; anything unforeseen is a Bug of the worker."""
    if isinstance(error, Located):
        return error
    if isinstance(error, TowpathError):
        return Located(error, origin)
    bug = Bug(f"unexpected {type(error).__name__}: {error}", owner=Owner.PLATFORM)
    bug.__cause__ = error
    return Located(bug, "worker")


def shorten(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Cut the middle out of `text` when it is longer than `limit` characters; beginnings and ends say the most."""
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def note(failure: Located) -> FailureNote:
    """Return the failure as it travels through Temporal."""
    error = failure.error
    return FailureNote(error.kind.value, error.reason, shorten(str(error)), error.owner.value, failure.origin)


def note_message(failure: FailureNote) -> failures_pb2.Failure:
    """Return a note as towpath.control.v1.Failure."""
    return failures_pb2.Failure(
        kind=f"KIND_{Kind(failure.kind).name}",
        reason=failure.reason,
        message=failure.message,
        owner=f"OWNER_{Owner(failure.owner).name}",
        origin=failure.origin,
    )


def failure_message(failure: Located) -> failures_pb2.Failure:
    """Return the failure as towpath.control.v1.Failure."""
    return note_message(note(failure))
