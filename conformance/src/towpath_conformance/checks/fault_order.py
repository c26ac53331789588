"""Faults in the order and the form of messages, of both roles: requests that have to be refused."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from towpath.connector.v1 import source_pb2

from towpath_conformance.damage import bit_flips, of_unknown_kind
from towpath_conformance.offences import (
    Material,
    Offence,
    expect_read_refused,
    expect_serving,
    expect_writes_refused,
    opening_of,
)
from towpath_conformance.peer import TooSlow
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail

_ONE_ACK_IN = 4
"""Of so many messages that are damaged, one is an acknowledgement."""


@check(
    "fault.second-open",
    asserts="A second open in a Read or Write ends the call with INVALID_ARGUMENT; what came after it is not "
    "committed.",
    why="A call has one set of streams, to which every index refers; two of them would mix rows of different streams.",
    fix="Remember that the call was opened, and refuse the second open instead of ignoring it or starting over.",
)
async def second_open(trial: Trial) -> None:
    if trial.is_source:
        opening = source_pb2.ReadRequest(open=opening_of(trial)).SerializeToString()
        await expect_read_refused(trial, Offence("a second ReadOpen", [opening]))
    if trial.is_destination:
        await expect_writes_refused(trial, "second-open", _second_write_open)


def _second_write_open(valid: Material) -> Sequence[Offence]:
    batch = valid.request()
    return [Offence("a second WriteOpen", [valid.schema, batch, valid.open(1)])]


@check(
    "fault.ack-before-open",
    needs=[SOURCE],
    asserts="A Read that does not begin with its open ends with INVALID_ARGUMENT, whatever comes first.",
    why="There is nothing yet that could be acknowledged or drained.",
    fix="Demand ReadOpen as the first message, and refuse anything else in its place.",
)
async def ack_before_open(trial: Trial) -> None:
    opening = source_pb2.ReadRequest(open=opening_of(trial)).SerializeToString()
    for what, message in (
        ("a Read that begins with an acknowledgement", source_pb2.ReadRequest(ack=source_pb2.ReadAck())),
        ("a Read that begins with a drain", source_pb2.ReadRequest(drain=source_pb2.ReadDrain())),
    ):
        await expect_read_refused(trial, Offence(what, [message.SerializeToString(), opening], opened=False))


@check(
    "fault.empty-oneof",
    asserts="A request of a Read or Write that holds no kind that the connector knows ends the call with "
    "INVALID_ARGUMENT, as the first message and as a later one.",
    why="To a connector, a kind that it does not know looks empty. The platform sends none of those; who does is "
    "broken, and going on would lose what the message was about.",
    fix="Give the switch over the kinds a default branch that ends the call with INVALID_ARGUMENT.",
)
async def empty_oneof(trial: Trial) -> None:
    if trial.is_source:
        for offence in (
            Offence("a Read that begins with an empty message", [b""], opened=False),
            Offence("an empty message in a Read", [b""]),
            Offence("a message of an unknown kind in a Read", [of_unknown_kind()]),
        ):
            await expect_read_refused(trial, offence)
    if trial.is_destination:
        await expect_writes_refused(trial, "empty-oneof", _empty_writes)


def _empty_writes(valid: Material) -> Sequence[Offence]:
    batch = valid.request()
    return [
        Offence("a Write that begins with an empty message", [b""], opened=False),
        Offence("an empty message in a Write", [valid.schema, batch, b""]),
        Offence("a message of an unknown kind in a Write", [valid.schema, batch, of_unknown_kind()]),
    ]


@check(
    "fault.flips-in-reads",
    needs=[SOURCE],
    slow=True,
    asserts="Of the requests of a Read with one bit changed, at seeded places outside of the configuration, none "
    "crashes the connector or makes a call hang.",
    why="States, names and numbers come back from a store that may have damaged them; one of them must not cost all "
    "others their connector.",
    fix="Let whatever the decoding of a request or a state raises end the call, or the stream, and not the process.",
)
async def flips_in_reads(trial: Trial) -> None:
    peer, random = await trial.peer(), trial.random("fault.flips-in-reads")
    opening = await _opening_with_state(trial)
    request = source_pb2.ReadRequest(open=opening).SerializeToString()
    config = opening.config_json.encode()
    # A configuration with another host in it would be another connector's business.
    spared = range(request.index(config), request.index(config) + len(config))
    count = trial.case.patience.bit_flips
    acks = count // _ONE_ACK_IN
    for what, flipped in bit_flips(request, count - acks, random, spared):
        await _expect_to_survive(trial, f"a ReadOpen with {what} changed", flipped, None)
    ack = source_pb2.ReadRequest(ack=source_pb2.ReadAck(checkpoint_seq=1)).SerializeToString()
    for what, flipped in bit_flips(ack, acks, random):
        await _expect_to_survive(trial, f"an acknowledgement with {what} changed", request, flipped)
    await expect_serving(peer, f"{count} requests with a flipped bit")


async def _opening_with_state(trial: Trial) -> source_pb2.ReadOpen:
    """An open that is worth damaging: with the state of a checkpoint, if there is one."""
    for stream in trial.source.streams:
        for checkpoint in (await trial.reading(stream)).checkpoints(0):
            if checkpoint.state and checkpoint.HasField("stream"):
                wire = stream.wire(checkpoint.state, checkpoint.state_version)
                return source_pb2.ReadOpen(config_json=trial.case.config_json, streams=[wire], attempt=1)
    return opening_of(trial)


async def _expect_to_survive(trial: Trial, what: str, opening: bytes, ack: bytes | None) -> None:
    """Open a Read up to its first schema or status; or up to its first checkpoint, acknowledge and read to the end."""
    recording = ReadRecording(source_pb2.ReadOpen())
    until = ("schema", "status") if ack is None else ("checkpoint", "finished")
    drain = source_pb2.ReadRequest(drain=source_pb2.ReadDrain())
    async with (await trial.peer()).read() as call:
        await call.send(opening)
        try:
            while (raw := await call.receive(trial.case.patience.call_seconds)) is not None:
                if recording.add(raw).kind in until:
                    break
            if ack is not None:
                for message in (ack, drain):
                    await call.send(message)
                await call.half_close()
                await call.ending(trial.case.patience.call_seconds)
        except TooSlow as slow:
            fail(f"after {what}, neither a message nor a status: {slow}")
    expect(
        call.failure is None or call.failure.code is not grpc.StatusCode.UNAVAILABLE,
        f"after {what}, the connection is lost, as if the connector had crashed: {call.failure}",
    )
