"""Acknowledgements: the source never waits for one to go on, and forgets nothing before one has come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from towpath.connector.v1 import source_pb2

from towpath_conformance.actions import succeeds
from towpath_conformance.case import StreamCase, changed
from towpath_conformance.failure import Failure
from towpath_conformance.peer import Call, TooSlow
from towpath_conformance.readings import unacknowledged
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import ACKS, SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip

_NEVER_EMITTED = 1000
_POLL_SECONDS = 0.05


@check(
    "state.wants-acks",
    needs=[SOURCE],
    asserts="ReadOpened sets wants_acks only where the source declares needs_acks.",
    why="The platform decides by the declaration whether a slow destination costs the remote system disk space.",
    fix="Declare SourceCapabilities.needs_acks when any stream holds something upstream.",
)
async def wants_acks(trial: Trial) -> None:
    for reading in await trial.readings():
        wanted = any(item.message.opened.wants_acks for item in reading.of_kind("opened"))
        expect(
            not wanted or ACKS.declared(trial.spec),
            f"the Read of {reading.name} wants acknowledgements, and the source does not declare needs_acks",
        )


@check(
    "state.emits-without-acks",
    needs=[SOURCE],
    asserts="A Read goes on to ReadFinished without a single acknowledgement.",
    why="The platform acknowledges when the destination has committed, which may take as long as the whole read.",
    fix="Send what there is to send as flow control allows; let acknowledgements only decide what may be forgotten.",
)
async def emits_without_acks(trial: Trial) -> None:
    for stream in trial.source.streams:
        reading = await unacknowledged(trial, stream)
        expect(
            reading.ended or "finished" in reading.kinds,
            f"the Read of {stream} came to a halt after {len(reading.received)} messages: nothing was acknowledged",
        )


@check(
    "state.half-close-without-acks",
    needs=[SOURCE],
    asserts="A broker that half-closes after ReadFinished without having acknowledged anything gets OK.",
    why="It is how a broker ends when nothing could be committed; it must be able to tell this from a failure.",
    fix="End the call when the requests end, whatever was acknowledged, and keep what was not.",
)
async def half_close_without_acks(trial: Trial) -> None:
    for stream in trial.source.streams:
        reading = await unacknowledged(trial, stream)
        if "finished" not in reading.kinds:
            continue  # read.completes and state.emits-without-acks say so
        expect(reading.ended, f"the Read of {stream} does not end after a half-close without acknowledgements")
        expect(
            reading.failure is None,
            f"the Read of {stream} fails after a half-close without acknowledgements: {reading.failure}",
        )


@check(
    "state.final-ack",
    needs=[SOURCE],
    asserts="Acknowledging the last checkpoint alone, after ReadFinished, and then half-closing ends the Read with OK.",
    why="Acknowledgements are cumulative: a broker that commits once acknowledges once.",
    fix="Take an acknowledgement as that of all checkpoints up to its number.",
)
async def final_ack(trial: Trial) -> None:
    for stream in trial.source.streams:
        async with _reading(trial, stream) as (call, recording):
            if not await _until(trial, call, recording, "finished"):
                continue
            if _last(recording):
                await _acknowledge(call, _last(recording))
            await call.half_close()
            failure = await _ending(trial, call, f"{stream} was acknowledged")
            expect(failure is None, f"the Read of {stream} fails after its last checkpoint was acknowledged: {failure}")


@check(
    "state.waits-for-last-ack",
    needs=[SOURCE, ACKS],
    asserts="A source that wants acknowledgements keeps the call open after ReadFinished until the last checkpoint is "
    "acknowledged, and ends it then.",
    why="The last acknowledgement comes after the last commit; nobody would hear it if the call had ended.",
    fix="After ReadFinished wait for the acknowledgement of the last checkpoint, or for the half-close.",
)
async def waits_for_last_ack(trial: Trial) -> None:
    for stream in trial.source.streams[-1:]:
        async with _reading(trial, stream) as (call, recording):
            if not await _until(trial, call, recording, "finished"):
                skip(f"the Read of {stream} does not come to ReadFinished")
            wanted = any(item.message.opened.wants_acks for item in recording.of_kind("opened"))
            if not wanted or not _last(recording):
                skip(f"the Read of {stream} wants no acknowledgements")
            try:
                await call.ending(trial.case.patience.blocked_seconds)
            except TooSlow:
                await _acknowledge(call, _last(recording))
                await _ending(trial, call, f"the last checkpoint of {stream} was acknowledged")
                return
            fail(f"the Read of {stream} ended before its last checkpoint was acknowledged: {call.failure or 'OK'}")


@check(
    "state.duplicate-acks",
    needs=[SOURCE],
    asserts="An acknowledgement that comes twice does no harm.",
    why="A broker that is not sure that one has arrived sends it again.",
    fix="Ignore an acknowledgement with the number of the previous one.",
)
async def duplicate_acks(trial: Trial) -> None:
    for stream in trial.source.streams:
        async with _reading(trial, stream) as (call, recording):
            while await _until(trial, call, recording, "checkpoint", "finished"):
                if recording.received[-1].kind == "finished":
                    await call.half_close()
                    break
                for _ in range(2):
                    await _acknowledge(call, recording.checkpoints()[-1].checkpoint_seq)
            failure = await _ending(trial, call, f"{stream} was acknowledged twice")
            twice = "finished" in recording.kinds and failure is not None
            expect(not twice, f"the Read of {stream} fails after each checkpoint was acknowledged twice: {failure}")


@check(
    "state.decreasing-ack",
    needs=[SOURCE],
    asserts="An acknowledgement of a lower number than before is INVALID_ARGUMENT.",
    why="The broker has lost count: what it says to be durable cannot be believed any more.",
    fix="Remember the highest number that was acknowledged, and fail the call when a lower one comes.",
)
async def decreasing_ack(trial: Trial) -> None:
    await _expect_refused(trial, 2, lambda seqs: (seqs[-1], seqs[0]), "the second checkpoint and then the first")


@check(
    "state.unknown-ack",
    needs=[SOURCE],
    asserts="An acknowledgement of a checkpoint that was never emitted is INVALID_ARGUMENT.",
    why="The broker speaks of another read; forgetting upstream what it names would lose rows.",
    fix="Compare the number with the last checkpoint that was sent, and fail the call when it is higher.",
)
async def unknown_ack(trial: Trial) -> None:
    await _expect_refused(trial, 1, lambda seqs: (seqs[-1] + _NEVER_EMITTED,), "a checkpoint that was never emitted")


async def _expect_refused(
    trial: Trial, checkpoints: int, wrong: Callable[[list[int]], Sequence[int]], what: str
) -> None:
    """Acknowledge what is wrong while the source is surely still there to hear it."""
    for stream, changes in await _lasting(trial, checkpoints):
        async with _reading(trial, stream, changes) as (call, recording):
            while len(recording.checkpoints()) < checkpoints:
                if not await _until(trial, call, recording, "checkpoint", "finished"):
                    break
                if recording.received[-1].kind == "finished":
                    break
            if len(recording.checkpoints()) < checkpoints:
                continue
            for seq in wrong([checkpoint.checkpoint_seq for checkpoint in recording.checkpoints()]):
                await _acknowledge(call, seq)
            await call.half_close()
            failure = await _ending(trial, call, f"{what} was acknowledged, which is INVALID_ARGUMENT,")
            expect(failure is not None, f"the Read of {stream} goes well after {what} was acknowledged")
            assert failure is not None
            expect(
                failure.code is grpc.StatusCode.INVALID_ARGUMENT,
                f"acknowledging {what} fails with {failure.code.name}; it should be INVALID_ARGUMENT: {failure}",
            )
            return
    skip(f"no read lasts until an acknowledgement has come, with {checkpoints} checkpoints before; give `source.large`")


async def _lasting(trial: Trial, checkpoints: int) -> list[tuple[StreamCase, Mapping[str, Any]]]:
    """Streams whose Read is still going on when an acknowledgement comes, with changes to the configuration."""
    found: list[tuple[StreamCase, Mapping[str, Any]]] = []
    for stream in trial.source.streams:
        reading = await trial.reading(stream)
        waits = any(item.message.opened.wants_acks for item in reading.of_kind("opened"))
        if waits and len(reading.checkpoints()) >= checkpoints:
            found.append((stream, {}))
    if trial.source.large is not None:
        found.append((trial.source.large, trial.source.large_set))
    return found


@check(
    "state.holds-until-acknowledged",
    needs=[SOURCE, ACKS],
    inputs=["source.held"],
    alone=True,
    asserts="Nothing is released upstream before the checkpoint that covers it is acknowledged.",
    why="Until then the rows are nowhere else: a crash of the platform would lose them for good.",
    fix="Let the remote system forget in answer to ReadAck, and never because rows were sent.",
)
async def holds_until_acknowledged(trial: Trial) -> None:
    stream = trial.source.streams[0]
    async with _reading(trial, stream, trial.source.held_set) as (call, recording):
        if not await _until(trial, call, recording, "finished"):
            skip(f"the Read of {stream} does not come to ReadFinished")
        expect(
            await _is_held(trial), f"all of {stream} was emitted and nothing acknowledged, and nothing is held any more"
        )
        if len(recording.checkpoints()) > 1:
            await _acknowledge(call, recording.checkpoints()[0].checkpoint_seq)
            await asyncio.sleep(_POLL_SECONDS)
            expect(
                await _is_held(trial),
                f"the first checkpoint of {stream} was acknowledged, and nothing is held for the others any more",
            )
        await call.half_close()
        with contextlib.suppress(TooSlow):  # state.half-close-without-acks says so
            await call.ending(trial.case.patience.call_seconds)
    expect(await _is_held(trial), f"the broker half-closed without acknowledging all of {stream}, and nothing is held")


@check(
    "state.releases-acknowledged",
    needs=[SOURCE, ACKS],
    inputs=["source.held"],
    alone=True,
    asserts="What was acknowledged is released upstream.",
    why="What is held for ever fills the disk of the remote system.",
    fix="Let the remote system forget what ReadAck covers, before the call ends.",
)
async def releases_acknowledged(trial: Trial) -> None:
    stream = trial.source.streams[0]
    async with _reading(trial, stream, trial.source.held_set) as (call, recording):
        if not await _until(trial, call, recording, "finished"):
            skip(f"the Read of {stream} does not come to ReadFinished")
        await _acknowledge(call, _last(recording))
        await call.half_close()
        await _ending(trial, call, f"{stream} was acknowledged")
    deadline = time.monotonic() + trial.case.patience.call_seconds
    while await _is_held(trial):
        expect(time.monotonic() < deadline, f"all of {stream} was acknowledged, and it is still held upstream")
        await asyncio.sleep(_POLL_SECONDS)


async def _is_held(trial: Trial) -> bool:
    assert trial.source.held is not None
    config = changed(trial.case.config, trial.source.held_set)
    return await succeeds(trial.source.held, config, trial.case.folder)


@check(
    "state.withheld-acks-memory",
    needs=[SOURCE],
    inputs=["source.large"],
    process=True,
    alone=True,
    slow=True,
    asserts="A source whose checkpoints are never acknowledged stays within `patience.memory_mib` while it emits.",
    why="A destination that commits late must not make the source grow until it is killed.",
    fix="Keep of what is not acknowledged only what it takes to let it go: numbers and positions, never rows.",
)
async def withheld_acks_memory(trial: Trial) -> None:
    patience, stream = trial.case.patience, trial.source.large
    assert stream is not None
    opening = source_pb2.ReadOpen(
        config_json=trial.case.config_with(trial.source.large_set), streams=[stream.wire()], attempt=1
    )
    bound = patience.memory_mib << 20
    received = peak = 0
    async with trial.fresh_process() as (instance, process), instance.peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        deadline = time.monotonic() + patience.slow_reader_seconds
        looked = 0.0
        while received < 2 * bound and (now := time.monotonic()) < deadline:
            raw = await call.receive(patience.call_seconds)
            if raw is None:
                break
            received += len(raw)
            if now - looked > _POLL_SECONDS:
                peak, looked = max(peak, process.resident_bytes()), now
                expect(
                    peak <= bound,
                    f"after {received >> 20} MiB of {stream} without an acknowledgement the source holds {peak >> 20} "
                    f"MiB; the case file allows {patience.memory_mib}",
                )
        expect(call.failure is None, f"reading {stream} without acknowledging failed: {call.failure}")
    trial.facts["MiB of memory with withheld acknowledgements"] = peak >> 20


@asynccontextmanager
async def _reading(
    trial: Trial, stream: StreamCase, changes: Mapping[str, Any] | None = None
) -> AsyncGenerator[tuple[Call, ReadRecording]]:
    opening = source_pb2.ReadOpen(config_json=trial.case.config_with(changes or {}), streams=[stream.wire()], attempt=1)
    async with (await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        yield call, ReadRecording(opening)


async def _until(trial: Trial, call: Call, recording: ReadRecording, *kinds: str) -> bool:
    """Take down messages until one of these kinds has come; False when the call ends or comes to a halt before."""
    try:
        while (raw := await call.receive(trial.case.patience.call_seconds)) is not None:
            if recording.add(raw).kind in kinds:
                return True
    except TooSlow:
        return False  # state.emits-without-acks says so
    return False


async def _acknowledge(call: Call, seq: int) -> None:
    await call.send(source_pb2.ReadRequest(ack=source_pb2.ReadAck(checkpoint_seq=seq)))


def _last(recording: ReadRecording) -> int:
    return max((checkpoint.checkpoint_seq for checkpoint in recording.checkpoints()), default=0)


async def _ending(trial: Trial, call: Call, after: str) -> Failure | None:
    seconds = trial.case.patience.call_seconds
    try:
        return await call.ending(seconds)
    except TooSlow:
        fail(f"{after} and the call has not ended {seconds:g} s later")
