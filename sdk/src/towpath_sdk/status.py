"""Failures on the wire: `TowpathError` to google.rpc.Status and back, the same for server, worker and command line.

A status carries ErrorInfo (reason, domain "towpath", and the kind), FailureInfo, and, where they say something,
BadRequest and RetryInfo. It never exceeds `MAX_STATUS_BYTES`: larger trailers are lost on the way and arrive as
RESOURCE_EXHAUSTED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from towpath.connector.v1 import types_pb2

from towpath_sdk import errors
from towpath_sdk.errors import Kind, Owner, TowpathError

if TYPE_CHECKING:  # or Arrow would be loaded, for which the command line has no use
    from towpath_sdk.catalog import StreamName

__all__ = [
    "DOMAIN",
    "MAX_STATUS_BYTES",
    "from_rpc",
    "from_status",
    "raise_from_rpc",
    "short_message",
    "status_trailer",
    "to_status",
]

MessageT = TypeVar("MessageT", bound=Message)

DOMAIN = "towpath"
"""ErrorInfo.domain of every failure that Towpath raises."""
MAX_STATUS_BYTES = 4096
"""Largest serialized google.rpc.Status."""

_TRAILER = "grpc-status-details-bin"
_MAX_MESSAGE_BYTES = 2000
_MAX_SHORT_BYTES = 300
_MAX_FIELDS_BYTES = 1000
_MAX_WORD_BYTES = 60
_MAX_NAME_BYTES = 100

_BY_KIND: dict[Kind, type[TowpathError]] = {
    kind.kind: kind
    for kind in (
        errors.Misconfigured,
        errors.Denied,
        errors.NotFound,
        errors.Conflict,
        errors.Unavailable,
        errors.Throttled,
        errors.PositionLost,
        errors.BadRecord,
        errors.Fenced,
        errors.Cancelled,
        errors.Bug,
    )
}

_BY_CODE: dict[grpc.StatusCode, type[TowpathError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.Misconfigured,
    grpc.StatusCode.OUT_OF_RANGE: errors.Misconfigured,
    grpc.StatusCode.UNIMPLEMENTED: errors.Misconfigured,
    grpc.StatusCode.UNAUTHENTICATED: errors.Denied,
    grpc.StatusCode.PERMISSION_DENIED: errors.Denied,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: errors.Conflict,
    grpc.StatusCode.ABORTED: errors.Conflict,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Throttled,
    grpc.StatusCode.DATA_LOSS: errors.BadRecord,
    grpc.StatusCode.CANCELLED: errors.Cancelled,
    grpc.StatusCode.INTERNAL: errors.Bug,
    grpc.StatusCode.UNKNOWN: errors.Bug,
}
"""What a status of another implementation means, when it says no more than its code."""

_CODES: dict[int, grpc.StatusCode] = {cast("tuple[int, str]", code.value)[0]: code for code in grpc.StatusCode}


def to_status(
    error: TowpathError, *, stream: StreamName | None = None, redact: Callable[[str], str] | None = None
) -> status_pb2.Status:
    """Encode a failure, in at most `MAX_STATUS_BYTES`.

    `redact` is applied to every text before it is shortened, so that no part of a secret survives at a cut.
    """
    clean = redact or _as_it_is
    message = clean(error.message)
    status = status_pb2.Status(
        code=cast("tuple[int, str]", error.rule.code.value)[0], message=_clip(message, _MAX_SHORT_BYTES)
    )
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=_clip(clean(error.reason), _MAX_WORD_BYTES), domain=DOMAIN, metadata={"kind": error.kind.value}
        ),
        _failure_info(error, _clip(message, _MAX_MESSAGE_BYTES), stream),
    ]
    if error.fields:
        details.append(_bad_request((clean(path), clean(problem)) for path, problem in error.fields.items()))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        details.append(retry)
    for detail in details:
        status.details.add().Pack(detail)
    return status


def from_status(status: status_pb2.Status) -> TowpathError:
    """Decode a failure. What another implementation sent is judged by its code alone; an OK status is a Bug."""
    info = _unpack(status, error_details_pb2.ErrorInfo())
    failure = _unpack(status, types_pb2.FailureInfo())
    bad_request = _unpack(status, error_details_pb2.BadRequest())
    retry = _unpack(status, error_details_pb2.RetryInfo())
    error_type = _error_type(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), info, failure)
    fields = (
        {violation.field: violation.description for violation in bad_request.field_violations} if bad_request else {}
    )
    owner = Owner(failure.owner) if failure and failure.owner in {o.value for o in Owner} else None
    return error_type(
        (failure.user_message if failure else "") or status.message or f"failed with gRPC code {status.code}",
        reason=info.reason if info and info.reason else None,
        fields=fields,
        retry_after=retry.retry_delay.ToTimedelta() if retry else None,
        owner=owner,
    )


def from_rpc(error: grpc.RpcError) -> TowpathError:
    """Translate what a gRPC call raised, from `grpc` or `grpc.aio`."""
    call = cast("grpc.Call", error)
    code = call.code() if hasattr(error, "code") else grpc.StatusCode.UNKNOWN
    trailer = next((value for key, value in call.trailing_metadata() or () if key == _TRAILER), None) if code else None
    if isinstance(trailer, bytes):
        try:
            return from_status(status_pb2.Status.FromString(trailer))
        except DecodeError:
            return errors.Bug(f"the peer sent an unreadable status with code {code.name}")
    return _BY_CODE.get(code, errors.Bug)(
        call.details() or f"failed with gRPC code {code.name}", reason=_bare_reason(code)
    )


def raise_from_rpc(error: grpc.RpcError) -> NoReturn:
    """Raise what `from_rpc` makes of an error."""
    raise from_rpc(error) from error


def status_trailer(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata that carry a status beside the gRPC code."""
    return ((_TRAILER, status.SerializeToString()),)


def short_message(status: status_pb2.Status) -> str:
    """Text for the gRPC message; the full one is in the details, because each byte may become three on the wire."""
    return status.message


def _error_type(
    code: grpc.StatusCode, info: error_details_pb2.ErrorInfo | None, failure: types_pb2.FailureInfo | None
) -> type[TowpathError]:
    if info is not None and info.domain == DOMAIN:
        # The kind first: a reason is the author's word, and may be the name of another kind.
        for kind, error_type in _BY_KIND.items():
            if info.metadata.get("kind") == kind.value:
                return error_type
        for kind, error_type in _BY_KIND.items():
            if info.reason == kind.name:
                return error_type
    if failure is not None and failure.needs_reset:
        return errors.PositionLost
    if code is grpc.StatusCode.ABORTED and info is not None and info.reason == Kind.FENCED.name:
        return errors.Fenced
    return _BY_CODE.get(code, errors.Bug)


def _bare_reason(code: grpc.StatusCode) -> str | None:
    """Name the code as the reason where the kind alone says less."""
    told_by_kind = {errors.KINDS[kind].code for kind in Kind}
    return None if code in told_by_kind and code is not grpc.StatusCode.ABORTED else code.name


def _failure_info(error: TowpathError, message: str, stream: StreamName | None) -> types_pb2.FailureInfo:
    info = types_pb2.FailureInfo(user_message=message)
    info.owner = cast("types_pb2.FailureInfo.Owner", error.owner.value)
    info.needs_reset = error.needs_reset
    if stream is not None:
        info.stream.namespace = _clip(stream.namespace, _MAX_NAME_BYTES)
        info.stream.name = _clip(stream.name, _MAX_NAME_BYTES)
    return info


def _bad_request(fields: Iterable[tuple[str, str]]) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    used = 0
    left_out = 0
    for path, problem in fields:
        violation = error_details_pb2.BadRequest.FieldViolation(field=_clip(path, 120), description=_clip(problem, 240))
        used += violation.ByteSize()
        if used > _MAX_FIELDS_BYTES:
            left_out += 1
        else:
            request.field_violations.append(violation)
    if left_out:
        request.field_violations.add(field="…", description=f"and {left_out} more")
    return request


def _unpack(status: status_pb2.Status, into: MessageT) -> MessageT | None:
    for detail in status.details:
        if detail.Is(cast("Any", into).DESCRIPTOR) and detail.Unpack(into):
            return into
    return None


def _clip(text: str, max_bytes: int) -> str:
    raw = text.encode("utf-8", "replace")
    if len(raw) <= max_bytes:
        return raw.decode()
    return raw[: max_bytes - 3].decode("utf-8", "ignore") + "…"


def _as_it_is(text: str) -> str:
    return text
