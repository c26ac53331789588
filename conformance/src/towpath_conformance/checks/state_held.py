"""Acknowledgements: what is held for them, upstream and in memory."""

from __future__ import annotations

import asyncio
import contextlib
import time

from towpath.connector.v1 import source_pb2

from towpath_conformance.actions import succeeds
from towpath_conformance.case import changed
from towpath_conformance.peer import TooSlow
from towpath_conformance.registry import ACKS, SOURCE, check
from towpath_conformance.stepping import stepping
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, skip

_POLL_SECONDS = 0.05


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
    async with stepping(trial, stream, trial.source.held_set) as read:
        if not await read.until("finished"):
            skip(f"the Read of {stream} does not come to ReadFinished")
        expect(
            await _is_held(trial), f"all of {stream} was emitted and nothing acknowledged, and nothing is held any more"
        )
        if len(read.seqs) > 1:
            await read.acknowledge(read.seqs[0])
            await asyncio.sleep(_POLL_SECONDS)
            expect(
                await _is_held(trial),
                f"the first checkpoint of {stream} was acknowledged, and nothing is held for the others any more",
            )
        await read.half_close()
        with contextlib.suppress(TooSlow):  # state.half-close-without-acks says so
            await read.call.ending(trial.case.patience.call_seconds)
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
    async with stepping(trial, stream, trial.source.held_set) as read:
        if not await read.until("finished"):
            skip(f"the Read of {stream} does not come to ReadFinished")
        if not read.last:
            skip(f"the Read of {stream} has no checkpoint to acknowledge")
        await read.acknowledge(read.last)
        await read.half_close()
        await read.ending(f"{stream} was acknowledged")
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
            if raw is None or source_pb2.ReadResponse.FromString(raw).HasField("finished"):
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
    trial.facts["MiB of memory with withheld acknowledgements"] = float(peak >> 20)
