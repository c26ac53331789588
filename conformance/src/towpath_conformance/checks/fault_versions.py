"""Faults of time: what a newer platform or an older one sends, and what it must not be sent."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from towpath.connector.v1 import connector_pb2, destination_pb2, source_pb2

from towpath_conformance.damage import with_unknown, with_unknown_in_header
from towpath_conformance.failure import Failure
from towpath_conformance.offences import PROMPT_SECONDS, expect_serving, material, opening_of
from towpath_conformance.peer import PROTOCOL_VERSION, Peer, TooSlow
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import DESTINATION, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect

MessageT = TypeVar("MessageT", bound=Message)

_UNKNOWN_ENUM = 99


@check(
    "fault.unknown-fields",
    asserts="A request with a field that the connector does not know is served as if the field were not there: a "
    "Handshake, a PlanRead, every message of a Read or Write; also where it lies between the fields of a Batch.",
    why="The protocol grows by adding fields. A newer platform must be able to talk to the connector of last year.",
    fix="Let a protobuf library parse messages. If you read a Batch by hand, skip the fields that you do not know.",
)
async def unknown_fields(trial: Trial) -> None:
    peer = await trial.peer()
    handshake = connector_pb2.HandshakeRequest(supported_versions=[PROTOCOL_VERSION])
    _expect_served("Handshake", (await peer.handshake(_tainted(handshake))).failure)
    if trial.is_source:
        plan = source_pb2.PlanReadRequest(config_json=trial.case.config_json, streams=opening_of(trial).streams)
        _expect_served("PlanRead", (await peer.plan(_tainted(plan))).failure)
        await _read_with_unknown_fields(trial, peer)
    if trial.is_destination:
        await _write_with_unknown_fields(trial, peer)


def _expect_served(what: str, failure: Failure | None) -> None:
    expect(failure is None, f"{what} with a field that nobody knows fails, and should be served: {failure}")


async def _read_with_unknown_fields(trial: Trial, peer: Peer) -> None:
    opening = _tainted(opening_of(trial))
    opening.streams[0].CopyFrom(_tainted(opening.streams[0]))
    async with peer.read() as call:
        await call.send(with_unknown(source_pb2.ReadRequest(open=opening)))
        recording = ReadRecording(opening)
        while (raw := await call.receive(trial.case.patience.call_seconds)) is not None:
            received = recording.add(raw)
            if received.kind == "checkpoint":
                ack = _tainted(source_pb2.ReadAck(checkpoint_seq=received.message.checkpoint.checkpoint_seq))
                await call.send(with_unknown(source_pb2.ReadRequest(ack=ack)))
            elif received.kind == "finished":
                await call.half_close()
    _expect_served("a Read", call.failure)


async def _write_with_unknown_fields(trial: Trial, peer: Peer) -> None:
    valid = await material(trial, "unknown-fields")
    opening = _tainted(valid.delivery.opening())
    announce = destination_pb2.WriteRequest.FromString(valid.schema)
    announce.schema.CopyFrom(_tainted(announce.schema))
    commit = destination_pb2.WriteRequest.FromString(valid.commit)
    commit.commit.CopyFrom(_tainted(commit.commit))
    batches = [
        with_unknown(destination_pb2.WriteRequest(batch=valid.batch(1))),
        with_unknown_in_header(valid.batch(2)),
    ]
    commit.commit.up_to_batch_seq = len(batches)
    async with peer.write() as call:
        for message in (
            with_unknown(destination_pb2.WriteRequest(open=opening)),
            with_unknown(announce),
            *batches,
            with_unknown(commit),
        ):
            await call.send(message)
        await call.half_close()
        committed = False
        while (raw := await call.receive(trial.case.patience.call_seconds)) is not None:
            committed = committed or destination_pb2.WriteResponse.FromString(raw).HasField("committed")
    _expect_served("a Write", call.failure)
    expect(committed, "a Write with fields that nobody knows ends with OK, and its commit was never answered")


def _tainted(message: MessageT) -> MessageT:
    copy = type(message)()
    copy.ParseFromString(with_unknown(message))
    return copy


@check(
    "fault.unknown-enums",
    needs=[DESTINATION],
    asserts="A Write in a mode that the destination does not know is refused with INVALID_ARGUMENT.",
    why="A later version may add modes. Whoever takes an unknown one for the first that comes to mind reads or "
    "replaces what nobody asked for.",
    fix="Compare modes with those that you serve, by their numbers; treat every other number like the one that is not "
    "set.",
)
async def unknown_enums(trial: Trial) -> None:
    peer = await trial.peer()
    valid = await material(trial, "unknown-enums")
    request = destination_pb2.WriteRequest.FromString(valid.open(1))
    request.open.streams[0].mode = _UNKNOWN_ENUM  # pyright: ignore[reportAttributeAccessIssue]
    async with peer.write() as call:
        await call.send(request)
        await call.half_close()
        try:
            failure = await call.ending(PROMPT_SECONDS)
        except TooSlow:
            failure = None
    _expect_invalid(f"a Write with the write mode {_UNKNOWN_ENUM}", failure)
    await expect_serving(peer, "an unknown mode")


def _expect_invalid(what: str, failure: Failure | None) -> None:
    expect(
        failure is not None and failure.code is grpc.StatusCode.INVALID_ARGUMENT,
        f"{what} should fail with INVALID_ARGUMENT; it ended with {failure or 'OK'}",
    )


@check(
    "fault.previous-minor",
    asserts="A client that offers only the previous minor version (of minor 0, that one), agrees to no feature and to "
    "no limits, and sends nothing newer, can read and write; and is sent no field that this minor does not have.",
    why="Connectors are upgraded before the platform, and after it. Whoever is older decides what both may say.",
    fix="Answer the Handshake with the smaller minor and remember it; do not demand what it does not have, and do not "
    "send it.",
)
async def previous_minor(trial: Trial) -> None:
    shared = await trial.shared()
    peer = shared.other_peer()
    try:
        await _shake_hands_as_before(peer)
        if trial.is_source:
            await _read_as_before(trial, peer)
        if trial.is_destination:
            await _write_as_before(trial, peer)
    finally:
        await peer.close()


async def _shake_hands_as_before(peer: Peer) -> None:
    major, minor = PROTOCOL_VERSION.major, max(0, PROTOCOL_VERSION.minor - 1)
    offered = connector_pb2.ProtocolVersion(major=major, minor=minor)
    answer = await peer.handshake(connector_pb2.HandshakeRequest(supported_versions=[offered]))
    expect(answer.failure is None, f"a Handshake that offers only {major}.{minor} fails: {answer.failure}")
    _expect_nothing_newer("HandshakeResponse", answer.responses[0])


async def _read_as_before(trial: Trial, peer: Peer) -> None:
    stream = trial.source.streams[0]
    recording = await trial.read(stream.wire(), peer=peer)
    expect(recording.failure is None, f"a client of the previous minor cannot read {stream}: {recording.failure}")
    for received in recording.received:
        _expect_nothing_newer(f"message {received.index} of the Read of {stream}", received.message)


async def _write_as_before(trial: Trial, peer: Peer) -> None:
    valid = await material(trial, "previous-minor")
    async with peer.write() as call:
        for message in (
            valid.open(1),
            valid.schema,
            valid.request(),
            valid.commit,
        ):
            await call.send(message)
        await call.half_close()
        while (raw := await call.receive(trial.case.patience.call_seconds)) is not None:
            response = destination_pb2.WriteResponse.FromString(raw)
            _expect_nothing_newer(f"the response {response.WhichOneof('message')} of a Write", response)
    expect(call.failure is None, f"a client of the previous minor cannot write: {call.failure}")


def _expect_nothing_newer(what: str, message: Message) -> None:
    numbers = sorted(set(_unknown(message)))
    expect(not numbers, f"{what} has the fields {numbers}, which the version that was agreed on does not have")


def _unknown(message: Message) -> list[int]:
    """Return the numbers of the fields that the generated code does not know, at any depth."""
    fields = cast("Any", UnknownFieldSet(message))
    found: list[int] = [field.field_number for field in fields]
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for inner in value if field.is_repeated else [value]:
            found.extend(_unknown(inner))
    return found
