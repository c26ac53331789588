"""Relays for mutants of writes: requests and responses of a Write, parsed; and what a write has said so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from towpath.connector.v1 import destination_pb2

from conformance_mutants.proxy import Begin, Relayed

__all__ = ["OnWrite", "asked", "asks_of", "asks_of_a_write", "during_writes"]

_REQUESTS: dict[str, type[Any]] = {
    "PrepareWrite": destination_pb2.PrepareWriteRequest,
    "CompleteWrite": destination_pb2.CompleteWriteRequest,
    "AbortWrite": destination_pb2.AbortWriteRequest,
}


class OnWrite(Relayed):
    """One Write on its way. Override what is to be changed; messages may be changed in place."""

    opening: destination_pb2.WriteOpen | None = None
    """As the judge sent it."""

    def ask(self, message: destination_pb2.WriteRequest) -> Iterable[destination_pb2.WriteRequest]:
        """Say what the destination gets in the place of a message."""
        return (message,)

    def answer(self, message: destination_pb2.WriteResponse) -> Iterable[destination_pb2.WriteResponse]:
        """Say what the judge gets in the place of a message."""
        return (message,)

    @property
    def writer(self) -> tuple[str, str]:
        """Write and writer; empty before the open."""
        return ("", "") if self.opening is None else (self.opening.write_id, self.opening.writer_id)

    async def request(self, raw: bytes) -> Iterable[bytes]:
        """Parse what can be parsed: what the judge spoilt passes as it is."""
        try:
            message = destination_pb2.WriteRequest.FromString(raw)
        except Exception:  # noqa: BLE001 whatever protobuf raises
            return (raw,)
        if message.HasField("open") and self.opening is None:
            self.opening = destination_pb2.WriteOpen()
            self.opening.CopyFrom(message.open)
        before = message.SerializeToString()
        changed = list(self.ask(message))
        if [item.SerializeToString() for item in changed] == [before]:
            return (raw,)
        return [item.SerializeToString() for item in changed]

    async def response(self, raw: bytes) -> Iterable[bytes]:
        """Parse, change, serialize."""
        message = destination_pb2.WriteResponse.FromString(raw)
        return [item.SerializeToString() for item in self.answer(message)]


def during_writes(make: Callable[[], OnWrite]) -> Begin:
    """Relay every Write through one that `make` makes."""
    return lambda method: make() if method == "Write" else Relayed()


def asks_of(method: str, change: Callable[[Any], None]) -> Begin:
    """Change the request of one method, in place."""
    return lambda called: asked(called, change if called == method else None)


def asks_of_a_write(change: Callable[[Any], None], *methods: str) -> Begin:
    """Change WriteOpen, and the requests of other methods, in place: all that have write_id, or streams."""

    class _Opened(OnWrite):
        def ask(self, message: destination_pb2.WriteRequest) -> Iterable[destination_pb2.WriteRequest]:
            if message.HasField("open"):
                change(message.open)
            return (message,)

    return lambda method: _Opened() if method == "Write" else asked(method, change if method in methods else None)


def asked(method: str, change: Callable[[Any], None] | None) -> Relayed:
    """Change the request of a method that has one, in place."""
    if change is None or method not in _REQUESTS:
        return Relayed()

    class _Changed(Relayed):
        async def request(self, raw: bytes) -> Iterable[bytes]:
            message = _REQUESTS[method].FromString(raw)
            change(message)
            return (message.SerializeToString(),)

    return _Changed()
