"""Acknowledgements: what their numbers may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from towpath.connector.v1 import source_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.stepping import stepping
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, skip

_NEVER_EMITTED = 1000


@check(
    "state.duplicate-acks",
    needs=[SOURCE],
    asserts="An acknowledgement that comes twice does no harm.",
    why="A broker that is not sure that one has arrived sends it again.",
    fix="Ignore an acknowledgement with the number of the previous one.",
)
async def duplicate_acks(trial: Trial) -> None:
    for stream in trial.source.streams:
        async with stepping(trial, stream) as read:
            while await read.until("checkpoint", "finished"):
                if read.recording.received[-1].kind == "finished":
                    await read.half_close()
                    break
                for _ in range(2):
                    await read.acknowledge(read.seqs[-1])
            failure = await read.ending(f"{stream} was acknowledged twice")
            twice = "finished" in read.recording.kinds and failure is not None
            expect(not twice, f"the Read of {stream} fails after each checkpoint was acknowledged twice: {failure}")
    if trial.source.large is not None:
        await _twice_while_it_goes_on(trial, trial.source.large)


async def _twice_while_it_goes_on(trial: Trial, stream: StreamCase) -> None:
    """Acknowledge a checkpoint twice in a read that is surely still there to hear it; then let it stop."""
    async with stepping(trial, stream, trial.source.large_set) as read:
        if not await read.until("checkpoint"):
            return  # state.emits-without-acks and read.completes say why
        for _ in range(2):
            await read.acknowledge(read.seqs[-1])
        await read.call.send(source_pb2.ReadRequest(drain=source_pb2.ReadDrain()))
        if await read.until("finished"):
            await read.half_close()
        failure = await read.ending(f"a checkpoint of {stream} was acknowledged twice")
        expect(failure is None, f"the Read of {stream} fails after a checkpoint was acknowledged twice: {failure}")


@check(
    "state.decreasing-ack",
    needs=[SOURCE],
    asserts="An acknowledgement of a lower number than before is INVALID_ARGUMENT.",
    why="The broker has lost count: what it says to be durable cannot be believed any more.",
    fix="Remember the highest number that was acknowledged, and fail the call when a lower one comes.",
)
async def decreasing_ack(trial: Trial) -> None:
    await _expect_refused(trial, 2, lambda seqs: (seqs[-1], seqs[0]), "the second checkpoint, and then the first,")


@check(
    "state.unknown-ack",
    needs=[SOURCE],
    asserts="An acknowledgement of a checkpoint that was never emitted is INVALID_ARGUMENT.",
    why="The broker speaks of another read; forgetting upstream what it names would lose rows.",
    fix="Compare the number with the last checkpoint that was sent, and fail the call when it is higher.",
)
async def unknown_ack(trial: Trial) -> None:
    await _expect_refused(trial, 0, lambda seqs: (max(seqs, default=0) + _NEVER_EMITTED,), "one that was never emitted")


async def _expect_refused(
    trial: Trial, checkpoints: int, wrong: Callable[[list[int]], Sequence[int]], what: str
) -> None:
    """Acknowledge what is wrong while the source is surely still there to hear it."""
    for stream, changes in await _lasting(trial, checkpoints):
        async with stepping(trial, stream, changes) as read:
            wanted = "checkpoint" if checkpoints else "batch"
            while await read.until(wanted, "finished") and read.recording.received[-1].kind != "finished":
                if len(read.seqs) >= checkpoints:
                    break
            if len(read.seqs) < checkpoints:
                continue
            for seq in wrong(read.seqs):
                await read.acknowledge(seq)
            await read.half_close()
            failure = await read.ending(f"{what} was acknowledged, which is INVALID_ARGUMENT,")
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
        if reading.wants_acks and len(reading.checkpoints()) >= checkpoints:
            found.append((stream, {}))
    if trial.source.large is not None:
        found.append((trial.source.large, trial.source.large_set))
    return found
