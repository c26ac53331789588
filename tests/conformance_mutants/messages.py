"""Mutations of messages, parsed: most mutants change one field of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from google.protobuf.message import Message
from google.rpc import status_pb2
from towpath.connector.v1 import destination_pb2, source_pb2

from conformance_mutants.proxy import Begin, Ending, Relayed

__all__ = ["Asked", "EachRead", "EachWrite", "answers", "reads", "restated", "writes"]

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)

_TRAILER = "grpc-status-details-bin"

EachRead: TypeAlias = Callable[[source_pb2.ReadResponse], Iterable[source_pb2.ReadResponse]]
EachWrite: TypeAlias = Callable[[destination_pb2.WriteResponse], Iterable[destination_pb2.WriteResponse]]


def reads(make: Callable[[], EachRead]) -> Begin:
    """Change the messages that a source sends in a Read; `make` is called for each call, and may keep count."""
    return lambda method: _Read(make()) if method == "Read" else Relayed()


def writes(make: Callable[[], EachWrite]) -> Begin:
    """Change the messages that a destination sends in a Write."""
    return lambda method: _Write(make()) if method == "Write" else Relayed()


def answers(
    method: str,
    asks: type[RequestT],
    says: type[ResponseT],
    each: Callable[[RequestT, ResponseT], ResponseT | None],
) -> Begin:
    """Change the responses of a method with one request; `each` gets that and returns what is said, None for nothing.

    It is called anew for each response, and may change the one that it gets.
    """

    class _Answered(Asked):
        async def response(self, raw: bytes) -> Iterable[bytes]:
            said = each(asks.FromString(self.asked), says.FromString(raw))
            return () if said is None else (said.SerializeToString(),)

    return lambda called: _Answered() if called == method else Relayed()


def restated(ending: Ending, change: Callable[[status_pb2.Status], Any]) -> Ending:
    """Return an ending whose details, where it has some, were changed."""
    code, message, trailers = ending
    changed: list[tuple[str, str | bytes]] = []
    for key, value in trailers:
        if key == _TRAILER and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
            change(status)
            changed.append((key, status.SerializeToString()))
        else:
            changed.append((key, value))
    return code, message, tuple(changed)


class Asked(Relayed):
    """Remembers what was asked, for methods with one request."""

    asked: bytes = b""

    async def request(self, raw: bytes) -> Iterable[bytes]:
        """Remember, and pass it on."""
        self.asked = raw
        return (raw,)


class _Read(Relayed):
    def __init__(self, each: EachRead) -> None:
        self._each = each

    async def response(self, raw: bytes) -> Iterable[bytes]:
        return [message.SerializeToString() for message in self._each(source_pb2.ReadResponse.FromString(raw))]


class _Write(Relayed):
    def __init__(self, each: EachWrite) -> None:
        self._each = each

    async def response(self, raw: bytes) -> Iterable[bytes]:
        return [message.SerializeToString() for message in self._each(destination_pb2.WriteResponse.FromString(raw))]
