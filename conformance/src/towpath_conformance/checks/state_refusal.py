"""State: how large it may be, and what becomes of one that cannot be continued."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from towpath.connector.v1 import connector_pb2, types_pb2

from towpath_conformance.case import Mode, StreamCase
from towpath_conformance.peer import PROTOCOL_VERSION
from towpath_conformance.readings import every_reading, read_from
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.resuming import lost_for_good, opening_from, stateful
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip

_GARBAGE_BYTES = 61
_LATER = 1000
_MOST_FLIPS = 24


@check(
    "state.size",
    needs=[SOURCE],
    asserts="No state is larger than the max_state_bytes that was agreed; a source that needs more fails instead.",
    why="States are stored at each commit, and travel with each attempt; a platform refuses those that are too large.",
    fix="Answer the smaller limit in Handshake, and fail the stream when a state would exceed it.",
)
async def size(trial: Trial) -> None:
    agreed = (await (await trial.peer()).handshake()).ok.limits.max_state_bytes
    longest = 0
    for reading in await every_reading(trial):
        longest = max(longest, _expect_within(reading, agreed))
    small = longest // 2
    if not small:
        return
    request = connector_pb2.HandshakeRequest(
        supported_versions=[PROTOCOL_VERSION],
        limits=connector_pb2.Limits(max_state_bytes=small),
        client_info="towpath-conformance",
    )
    async with trial.fresh() as instance:
        await instance.peer.handshake(request)
        for stream in trial.source.streams:
            reading = await trial.read(stream.wire(), peer=instance.peer)
            _expect_within(reading, small)


def _expect_within(reading: ReadRecording, limit: int) -> int:
    sizes = [len(checkpoint.state) for checkpoint in reading.checkpoints()]
    longest = max(sizes, default=0)
    expect(
        not limit or longest <= limit,
        f"reading {reading.name}, a state has {longest} bytes; {limit} were agreed",
    )
    return longest


@check(
    "state.corrupt",
    needs=[SOURCE],
    asserts="A state that no source can have made is FAILED_PRECONDITION with needs_reset, before any row; so is a "
    "damaged one, unless the damage happens to make another valid state.",
    why="A source that starts over instead doubles every row, one that crashes does so at each attempt, and one that "
    "guesses loses rows. The status is what makes the platform ask its user for a refresh.",
    fix="Parse the state before anything else, refuse what you did not write, and write a checksum into it.",
)
async def corrupt(trial: Trial) -> None:
    chance = trial.random("state.corrupt")
    judged = await _one_per_mode(trial)
    flips = min(trial.case.patience.bit_flips, _MOST_FLIPS) // len(judged)
    for stream, checkpoint in judged:
        garbage = b"\xff" + chance.randbytes(_GARBAGE_BYTES - 1)
        reading = await _read_from(trial, stream, checkpoint, garbage)
        _expect_lost(reading, f"{stream} from a state of {_GARBAGE_BYTES} random bytes")
        for damage, damaged in _damages(checkpoint.state, chance, flips):
            reading = await _read_from(trial, stream, checkpoint, damaged)
            if reading.refusal is not None:
                _expect_lost(reading, f"{stream} from a state {damage}")


def _damages(state: bytes, chance: Random, flips: int) -> Iterator[tuple[str, bytes]]:
    yield "that was cut in half", state[: len(state) // 2]
    yield "with something behind its end", state + b"\xff"
    for bit in sorted(chance.sample(range(8 * len(state)), min(flips, 8 * len(state)))):
        yield f"of {len(state)} bytes with bit {bit} flipped", _flipped(state, bit)


def _flipped(state: bytes, bit: int) -> bytes:
    damaged = bytearray(state)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@check(
    "state.future-version",
    needs=[SOURCE],
    asserts="A state of a state_version that the source does not know is FAILED_PRECONDITION with needs_reset, before "
    "any row.",
    why="After a downgrade the source meets states of its successor, which may mean something else.",
    fix="Compare state_version with the versions that you can read, and refuse the others.",
)
async def future_version(trial: Trial) -> None:
    for stream, checkpoint in await _one_per_mode(trial):
        later = types_pb2.Checkpoint()
        later.CopyFrom(checkpoint)
        later.state_version += _LATER
        reading = await read_from(trial, opening_from(stream, later), acknowledge=False)
        _expect_lost(reading, f"{stream} from a state of version {later.state_version}")


async def _one_per_mode(trial: Trial) -> list[tuple[StreamCase, types_pb2.Checkpoint]]:
    """A stream of each mode that has states, with one of them."""
    found: dict[Mode, tuple[StreamCase, types_pb2.Checkpoint]] = {}
    for stream in trial.source.streams:
        if stream.mode in found:
            continue
        states = await stateful(trial, stream)
        if states:
            found[stream.mode] = (stream, states[len(states) // 2])
    if not found:
        skip("no stream of the case file has a checkpoint with a state")
    return list(found.values())


async def _read_from(trial: Trial, stream: StreamCase, checkpoint: types_pb2.Checkpoint, state: bytes) -> ReadRecording:
    spoilt = types_pb2.Checkpoint()
    spoilt.CopyFrom(checkpoint)
    spoilt.state = state
    return await read_from(trial, opening_from(stream, spoilt), acknowledge=False)


def _expect_lost(reading: ReadRecording, what: str) -> None:
    rows = sum(batch.rows for batch in reading.batches())
    refusal = reading.refusal
    if refusal is None:
        fail(f"reading {what} goes well, with {rows} rows; it should fail with FAILED_PRECONDITION and needs_reset")
    expect(
        lost_for_good(refusal),
        f"reading {what} fails with {refusal.code.name}, needs_reset {refusal.needs_reset}; it should be "
        f"FAILED_PRECONDITION with needs_reset: {refusal}",
    )
    expect(not rows, f"reading {what} brings {rows} rows before it fails; it should bring none")
