"""Every failure, with three answers: whose problem it is, whether a retry helps, what to do next.

    TowpathError
    ├── Misconfigured      the user's: a wrong value; never retried
    ├── Denied             the user's: credentials or privileges; never retried
    ├── NotFound           the user's: what was named does not exist; never retried
    ├── Conflict           the user's: the resource is not in a state for this; never retried
    ├── Unavailable        the remote system's: unreachable for now; retried with backoff
    ├── Throttled          the remote system's: asked to slow down; retried after its delay
    ├── PositionLost       the user's: stored state cannot be continued; needs a refresh
    ├── BadRecord          the user's: a value that cannot be stored; never retried
    ├── Fenced             nobody's: a newer attempt took over; this one ends
    ├── Cancelled          nobody's: stopped on request
    └── Bug                the author's: a broken invariant; never retried

`KINDS` maps each kind to its gRPC code, its retry behaviour and its exit code; nothing else in Towpath decides these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import ClassVar

import grpc

__all__ = [
    "KINDS",
    "BadRecord",
    "Bug",
    "Cancelled",
    "Conflict",
    "Denied",
    "Fenced",
    "Kind",
    "KindRule",
    "Misconfigured",
    "NotFound",
    "Owner",
    "PositionLost",
    "Throttled",
    "TowpathError",
    "Unavailable",
]


class Kind(Enum):
    """Kind of failure; the value is the name used in logs, in Temporal and on the wire."""

    MISCONFIGURED = "Misconfigured"
    DENIED = "Denied"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"
    UNAVAILABLE = "Unavailable"
    THROTTLED = "Throttled"
    POSITION_LOST = "PositionLost"
    BAD_RECORD = "BadRecord"
    FENCED = "Fenced"
    CANCELLED = "Cancelled"
    BUG = "Bug"


class Owner(Enum):
    """Who can mend a failure; the numbers are those of FailureInfo.Owner."""

    USER = 1
    REMOTE = 2
    CONNECTOR = 3
    PLATFORM = 4


@dataclass(frozen=True)
class KindRule:
    """What follows from a kind: gRPC status code, whether a retry can help, exit code of a command, who must act."""

    code: grpc.StatusCode
    retry: bool
    exit_code: int
    owner: Owner


KINDS: Mapping[Kind, KindRule] = {
    Kind.MISCONFIGURED: KindRule(grpc.StatusCode.INVALID_ARGUMENT, False, 3, Owner.USER),
    Kind.DENIED: KindRule(grpc.StatusCode.PERMISSION_DENIED, False, 4, Owner.USER),
    Kind.NOT_FOUND: KindRule(grpc.StatusCode.NOT_FOUND, False, 5, Owner.USER),
    Kind.CONFLICT: KindRule(grpc.StatusCode.FAILED_PRECONDITION, False, 6, Owner.USER),
    Kind.UNAVAILABLE: KindRule(grpc.StatusCode.UNAVAILABLE, True, 7, Owner.REMOTE),
    Kind.THROTTLED: KindRule(grpc.StatusCode.RESOURCE_EXHAUSTED, True, 8, Owner.REMOTE),
    Kind.POSITION_LOST: KindRule(grpc.StatusCode.FAILED_PRECONDITION, False, 9, Owner.USER),
    Kind.BAD_RECORD: KindRule(grpc.StatusCode.DATA_LOSS, False, 10, Owner.USER),
    Kind.FENCED: KindRule(grpc.StatusCode.ABORTED, False, 11, Owner.PLATFORM),
    Kind.CANCELLED: KindRule(grpc.StatusCode.CANCELLED, False, 12, Owner.USER),
    Kind.BUG: KindRule(grpc.StatusCode.INTERNAL, False, 70, Owner.CONNECTOR),
}


class TowpathError(Exception):
    """Base of all failures.

    `message` says what happened and what to do next, for the user, without secrets. `reason` is a stable upper-case
    word for programs, such as "INVALID_PASSWORD"; by default the kind's name. `fields` maps paths of a configuration
    or request (such as "port" or "streams[0].columns") to what is wrong with each.
    """

    kind: ClassVar[Kind] = Kind.BUG
    needs_reset: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        fields: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
        owner: Owner | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.kind.name
        self.fields = dict(fields or {})
        self.retry_after = retry_after
        self.owner = owner or KINDS[self.kind].owner

    @property
    def rule(self) -> KindRule:
        """What follows from this failure's kind."""
        return KINDS[self.kind]

    def __str__(self) -> str:
        """Return the message and, line by line, the fields at fault."""
        return "\n".join([self.message, *(f"  {path}: {problem}" for path, problem in self.fields.items())])


class Misconfigured(TowpathError):
    """A configuration or request is wrong: "table `orders` has no column `updated_on`; choose id or updated_at"."""

    kind = Kind.MISCONFIGURED


class Denied(TowpathError):
    """Credentials are wrong or privileges missing: "role `app` lacks SELECT on public.orders; GRANT SELECT …"."""

    kind = Kind.DENIED


class NotFound(TowpathError):
    """What was named does not exist."""

    kind = Kind.NOT_FOUND


class Conflict(TowpathError):
    """The resource is not in a state in which this can be done; the message names what stands in the way."""

    kind = Kind.CONFLICT


class Unavailable(TowpathError):
    """A system cannot be reached for now: a reset connection, a server that restarts."""

    kind = Kind.UNAVAILABLE


class Throttled(TowpathError):
    """A system asked to slow down; `retry_after` is the delay that it named, if it did."""

    kind = Kind.THROTTLED


class PositionLost(TowpathError):
    """Stored state can no longer be continued: the replication slot is gone, the exported snapshot has ended."""

    kind = Kind.POSITION_LOST
    needs_reset = True


class BadRecord(TowpathError):
    """A value that cannot be represented or stored; the message names stream, column and, where it can, the row."""

    kind = Kind.BAD_RECORD


class Fenced(TowpathError):
    """A newer attempt took over; this one must end without another word."""

    kind = Kind.FENCED


class Cancelled(TowpathError):
    """Stopped on request."""

    kind = Kind.CANCELLED


class Bug(TowpathError):
    """A broken invariant in a connector or in Towpath itself."""

    kind = Kind.BUG
