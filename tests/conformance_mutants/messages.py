"""Mutations of the messages of a Read or Write, parsed: most mutants change one field of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from towpath.connector.v1 import destination_pb2, source_pb2

from conformance_mutants.proxy import Begin, Relayed

__all__ = ["EachRead", "EachWrite", "reads", "writes"]

EachRead: TypeAlias = Callable[[source_pb2.ReadResponse], Iterable[source_pb2.ReadResponse]]
EachWrite: TypeAlias = Callable[[destination_pb2.WriteResponse], Iterable[destination_pb2.WriteResponse]]


def reads(make: Callable[[], EachRead]) -> Begin:
    """Change the messages that a source sends in a Read; `make` is called for each call, and may keep count."""
    return lambda method: _Read(make()) if method == "Read" else Relayed()


def writes(make: Callable[[], EachWrite]) -> Begin:
    """Change the messages that a destination sends in a Write."""
    return lambda method: _Write(make()) if method == "Write" else Relayed()


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
