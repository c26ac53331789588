"""Relays for mutants of reads: requests and responses of a Read, parsed; and plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError
from towpath.connector.v1 import source_pb2, types_pb2

from conformance_mutants.proxy import Begin, Relayed

__all__ = ["COMPLETE", "FAILED", "INCOMPLETE", "Ask", "OnRead", "Say", "during_reads", "opens", "plans", "stream_of"]

Ask: TypeAlias = source_pb2.ReadRequest
Say: TypeAlias = source_pb2.ReadResponse

COMPLETE = types_pb2.StreamStatus.STATE_COMPLETE
INCOMPLETE = types_pb2.StreamStatus.STATE_INCOMPLETE
FAILED = types_pb2.StreamStatus.STATE_FAILED


class OnRead(Relayed):
    """One Read on its way. Override what is to be changed; messages may be changed in place."""

    opening: source_pb2.ReadOpen
    """As the judge sent it; empty before."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self.opening = source_pb2.ReadOpen()

    def ask(self, message: Ask) -> Iterable[Ask]:
        """Say what the source gets in the place of a message."""
        return (message,)

    def answer(self, message: Say) -> Iterable[Say]:
        """Say what the judge gets in the place of a message."""
        return (message,)

    @property
    def names(self) -> Sequence[str]:
        """Names of the streams, without their namespaces."""
        return [stream.name.name for stream in self.opening.streams]

    @property
    def incremental(self) -> bool:
        """The first stream is read so."""
        return any(stream.mode == types_pb2.READ_MODE_INCREMENTAL for stream in self.opening.streams[:1])

    async def request(self, raw: bytes) -> Iterable[bytes]:
        """Parse what can be parsed: what the judge spoilt passes as it is."""
        try:
            message = source_pb2.ReadRequest.FromString(raw)
        except DecodeError:
            return (raw,)
        if message.HasField("open"):
            self.opening.CopyFrom(message.open)
        before = message.SerializeToString()
        asked = [item.SerializeToString() for item in self.ask(message)]
        return (raw,) if asked == [before] else asked

    async def response(self, raw: bytes) -> Iterable[bytes]:
        """Parse, change, serialize."""
        return [item.SerializeToString() for item in self.answer(source_pb2.ReadResponse.FromString(raw))]


def during_reads(make: Callable[[], OnRead]) -> Begin:
    """Relay every Read through one that `make` makes."""
    return lambda method: make() if method == "Read" else Relayed()


def opens(change: Callable[[source_pb2.ReadOpen], None]) -> Begin:
    """Change every ReadOpen in place."""

    class _Opened(OnRead):
        def ask(self, message: Ask) -> Iterable[Ask]:
            if message.HasField("open"):
                change(message.open)
            return (message,)

    return during_reads(_Opened)


def plans(change: Callable[[source_pb2.PlanReadResponse], None], others: Begin | None = None) -> Begin:
    """Change every plan in place; the other methods pass, or are relayed through `others`."""

    class _Planned(Relayed):
        async def response(self, raw: bytes) -> Iterable[bytes]:
            planned = source_pb2.PlanReadResponse.FromString(raw)
            change(planned)
            return (planned.SerializeToString(),)

    return lambda method: _Planned() if method == "PlanRead" else others(method) if others else Relayed()


def stream_of(message: Say) -> Any:
    """The part of a message that names a stream, None when it does not."""
    kind = message.WhichOneof("message")
    if kind not in ("schema", "batch", "checkpoint", "status"):
        return None
    about = getattr(message, kind)
    return None if kind == "checkpoint" and not about.HasField("stream") else about
