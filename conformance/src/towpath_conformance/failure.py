"""A status as the judge sees it: every part of it, as it came, without what the SDK would infer."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from towpath.connector.v1 import types_pb2

__all__ = ["Failure", "Seen", "failure_of", "failure_of_status", "noticing"]

_TRAILER = "grpc-status-details-bin"
_CODES: dict[int, grpc.StatusCode] = {cast("tuple[int, str]", code.value)[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class Failure:
    """How an RPC, a probe or a stream failed."""

    code: grpc.StatusCode
    message: str
    status_bytes: int = 0
    """Size of the serialized google.rpc.Status, in bytes; 0 when none came."""
    reason: str = ""
    domain: str = ""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """BadRequest: path to what is wrong with it."""
    has_info: bool = False
    """A FailureInfo came."""
    needs_reset: bool = False
    user_message: str = ""
    text: str = ""
    """Everything that came as one text, for searching."""

    @property
    def size(self) -> int:
        """Bytes of the status on the wire, details included."""
        return max(self.status_bytes, len(self.message.encode()))

    def __str__(self) -> str:
        """Say it in one line: "INVALID_ARGUMENT (MISCONFIGURED): port: not a number"."""
        reason = f" ({self.reason})" if self.reason else ""
        fields = "".join(f"; {path}: {problem}" for path, problem in self.fields.items())
        return f"{self.code.name}{reason}: {self.user_message or self.message}{fields}"


@dataclass
class Seen:
    """The largest of all statuses that were read within `noticing`."""

    largest: Failure | None = None

    def notice(self, failure: Failure) -> Failure:
        """Remember it if it is the largest; return it."""
        if self.largest is None or failure.size > self.largest.size:
            self.largest = failure
        return failure


_seen: ContextVar[Seen] = ContextVar("seen")


@contextmanager
def noticing(seen: Seen) -> Generator[None]:
    """Notice every status that is read within the block, and in tasks begun there."""
    token = _seen.set(seen)
    try:
        yield
    finally:
        _seen.reset(token)


def failure_of(error: grpc.RpcError) -> Failure:
    """Read what an RPC ended with."""
    return _seen.get(Seen()).notice(_failure_of(error))


def _failure_of(error: grpc.RpcError) -> Failure:
    call = cast("grpc.Call", error)
    code = call.code() if hasattr(error, "code") else grpc.StatusCode.UNKNOWN
    trailers = call.trailing_metadata() or () if hasattr(error, "trailing_metadata") else ()
    raw = next((value for key, value in trailers if key == _TRAILER), None)
    message = call.details() or ""
    if not isinstance(raw, bytes):
        return Failure(code, message, text=message)
    try:
        return _failure_of_status(status_pb2.Status.FromString(raw), code, message)
    except DecodeError:
        return Failure(code, message, status_bytes=len(raw), text=message)


def failure_of_status(status: status_pb2.Status) -> Failure:
    """Read a google.rpc.Status that came in a message."""
    return _seen.get(Seen()).notice(_failure_of_status(status))


def _failure_of_status(
    status: status_pb2.Status, code: grpc.StatusCode | None = None, message: str | None = None
) -> Failure:
    """`code` and `message` are those of the RPC, where they came beside it."""
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    failure = types_pb2.FailureInfo()
    _unpack(status, info)
    _unpack(status, bad_request)
    has_info = _unpack(status, failure)
    return Failure(
        code=code or _CODES.get(status.code, grpc.StatusCode.UNKNOWN),
        message=status.message if message is None else message,
        status_bytes=status.ByteSize(),
        reason=info.reason,
        domain=info.domain,
        fields={violation.field: violation.description for violation in bad_request.field_violations},
        has_info=has_info,
        needs_reset=failure.needs_reset,
        user_message=failure.user_message,
        text="\n".join([message or "", str(status), *map(str, (info, bad_request, failure))]),
    )


def _unpack(status: status_pb2.Status, into: Message) -> bool:
    return any(detail.Is(cast("Any", into).DESCRIPTOR) and detail.Unpack(into) for detail in status.details)
