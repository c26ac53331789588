"""Times, stream names, modes and failures."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from towpath.connector.v1 import types_pb2
from towpath.control.v1 import failures_pb2
from towpath_sdk.errors import Kind, Misconfigured, Owner

from towpath_server.domain.failure import Failure
from towpath_server.domain.streams import ReadMode, StreamName, WriteMode

__all__ = [
    "failure_from",
    "failure_to",
    "name_from",
    "name_to",
    "read_mode_from",
    "time_from",
    "time_to",
    "write_mode_from",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_to(time: datetime | None) -> Timestamp | None:
    """Encode a time; None stays absent."""
    if time is None:
        return None
    # Timestamp.FromDatetime goes through a calendar, and takes three times as long.
    since = time - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def time_from(stamp: Timestamp) -> datetime:
    """Decode a time; UTC, microseconds."""
    return stamp.ToDatetime(tzinfo=UTC)


def name_to(name: StreamName) -> types_pb2.StreamName:
    """Encode a stream's name."""
    return types_pb2.StreamName(namespace=name.namespace, name=name.name)


def name_from(name: types_pb2.StreamName) -> StreamName:
    """Decode a stream's name."""
    return StreamName(name.namespace, name.name)


def read_mode_from(value: int, field: str) -> ReadMode | None:
    """Decode a read mode; None when it is not set. Raises Misconfigured naming `field` for an unknown number."""
    if not value:
        return None
    try:
        return ReadMode(value)
    except ValueError as error:
        raise _unknown(field, value) from error


def write_mode_from(value: int, field: str) -> WriteMode | None:
    """Decode a write mode; None when it is not set. Raises Misconfigured naming `field` for an unknown number."""
    if not value:
        return None
    try:
        return WriteMode(value)
    except ValueError as error:
        raise _unknown(field, value) from error


def failure_to(failure: Failure | None) -> failures_pb2.Failure | None:
    """Encode a failure; None stays absent."""
    if failure is None:
        return None
    return failures_pb2.Failure(
        kind=f"KIND_{failure.kind.name}",
        reason=failure.reason,
        message=failure.message,
        owner=f"OWNER_{failure.owner.name}",
        origin=failure.origin,
    )


def failure_from(failure: failures_pb2.Failure) -> Failure:
    """Decode a failure; a kind or owner that this server does not know counts as a bug of the connector."""
    name = failures_pb2.Failure.Kind.Name(failure.kind) if failure.kind in failures_pb2.Failure.Kind.values() else ""
    kind = Kind.__members__.get(name.removeprefix("KIND_"), Kind.BUG)
    owners = {owner.value: owner for owner in Owner}
    return Failure(
        kind=kind,
        reason=failure.reason or kind.name,
        message=failure.message,
        owner=owners.get(failure.owner, Owner.CONNECTOR),
        origin=failure.origin or "worker",
    )


def _unknown(field: str, value: int) -> Misconfigured:
    problem = f"{value} is no known mode"
    return Misconfigured(f"{field}: {problem}", reason="UNKNOWN_MODE", fields={field: problem})
