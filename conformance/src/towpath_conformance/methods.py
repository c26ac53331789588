"""Every method of the protocol, called with as little as it takes: for rules that hold for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from towpath.connector.v1 import destination_pb2, source_pb2

from towpath_conformance.failure import Failure
from towpath_conformance.peer import Answer, Call, Peer
from towpath_conformance.registry import DESTINATION, SOURCE, Capability

__all__ = ["METHODS", "Heard", "Method", "Subject"]


@dataclass(frozen=True)
class Subject:
    """What a call is about. As it stands, nothing: a connector refuses such a call, and nothing happens."""

    config_json: str = ""
    reads: Sequence[source_pb2.ReadStream] = ()
    writes: Sequence[destination_pb2.WriteStream] = ()
    write_id: str = ""
    seconds: float = 10.0
    """How long to wait for each message."""


@dataclass(frozen=True)
class Heard:
    """What came back: serialized messages, and how the call ended."""

    messages: Sequence[bytes]
    failure: Failure | None


@dataclass(frozen=True)
class Method:
    """One method; `role` is the one that serves it, None for what every connector serves, or may if `optional`."""

    name: str
    role: Capability | None
    call: Callable[[Peer, Subject], Awaitable[Heard]]
    optional: bool = False


async def _handshake(peer: Peer, subject: Subject) -> Heard:
    return _heard(await peer.handshake(timeout=subject.seconds))


async def _spec(peer: Peer, subject: Subject) -> Heard:
    return _heard(await peer.spec(subject.seconds))


async def _check(peer: Peer, subject: Subject) -> Heard:
    return _heard(await peer.check(subject.config_json, subject.seconds))


async def _watch_check(peer: Peer, subject: Subject) -> Heard:
    return _heard(await peer.watch_check(subject.config_json, subject.seconds))


async def _discover(peer: Peer, subject: Subject) -> Heard:
    return _heard(await peer.discover(subject.config_json, subject.seconds))


async def _plan(peer: Peer, subject: Subject) -> Heard:
    request = source_pb2.PlanReadRequest(config_json=subject.config_json, streams=subject.reads, target_splits=2)
    return _heard(await peer.plan(request, subject.seconds))


async def _read(peer: Peer, subject: Subject) -> Heard:
    opening = source_pb2.ReadOpen(config_json=subject.config_json, streams=subject.reads, attempt=1)
    async with peer.read() as call:
        return await _streamed(call, source_pb2.ReadRequest(open=opening), subject)


async def _prepare(peer: Peer, subject: Subject) -> Heard:
    request = destination_pb2.PrepareWriteRequest(
        config_json=subject.config_json, write_id=subject.write_id, streams=subject.writes, dry_run=True
    )
    return _heard(await peer.prepare(request, subject.seconds))


async def _write(peer: Peer, subject: Subject) -> Heard:
    opening = destination_pb2.WriteOpen(
        config_json=subject.config_json,
        write_id=subject.write_id,
        writer_id="writer",
        epoch=1,
        streams=subject.writes,
    )
    async with peer.write() as call:
        return await _streamed(call, destination_pb2.WriteRequest(open=opening), subject)


async def _complete(peer: Peer, subject: Subject) -> Heard:
    request = destination_pb2.CompleteWriteRequest(config_json=subject.config_json, write_id=subject.write_id)
    return _heard(await peer.complete(request, subject.seconds))


async def _abort(peer: Peer, subject: Subject) -> Heard:
    request = destination_pb2.AbortWriteRequest(config_json=subject.config_json, write_id=subject.write_id)
    return _heard(await peer.abort(request, subject.seconds))


METHODS = (
    Method("Handshake", None, _handshake),
    Method("Spec", None, _spec),
    Method("Check", None, _check),
    Method("WatchCheck", None, _watch_check, optional=True),
    Method("Discover", SOURCE, _discover),
    Method("PlanRead", SOURCE, _plan),
    Method("Read", SOURCE, _read),
    Method("PrepareWrite", DESTINATION, _prepare),
    Method("Write", DESTINATION, _write),
    Method("CompleteWrite", DESTINATION, _complete),
    Method("AbortWrite", DESTINATION, _abort),
)
"""All of them. A Read or Write is opened and half-closed at once, and taken down to its end."""


def _heard(answer: Answer[Any]) -> Heard:
    return Heard([response.SerializeToString() for response in answer.responses], answer.failure)


async def _streamed(call: Call, opening: Message, subject: Subject) -> Heard:
    messages: list[bytes] = []
    await call.send(opening)
    await call.half_close()
    while (raw := await call.receive(subject.seconds)) is not None:
        messages.append(raw)
    return Heard(messages, call.failure)
