"""The end of a process: in good order when it is asked to, and at once when whoever started it is dead."""

from __future__ import annotations

import asyncio
import time

from grpc_health.v1 import health_pb2
from towpath.connector.v1 import types_pb2

from towpath_conformance.calls import busy, large_opening
from towpath_conformance.checks.write_stream import labelled
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.model import difference
from towpath_conformance.offences import opened_read
from towpath_conformance.peer import Call, Peer
from towpath_conformance.recording import TERMINAL, ReadRecording
from towpath_conformance.registry import DESTINATION, SOURCE, check
from towpath_conformance.targets.port import Process
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip

_State = types_pb2.StreamStatus

_UNSERVING_SECONDS = 3.0
_ORPHAN_SECONDS = 5.0
_SOME_BATCHES = 3


@check(
    "fault.sigterm-drains",
    needs=[SOURCE],
    inputs=["source.large"],
    process=True,
    asserts="After SIGTERM a Read comes to its next safe point: a checkpoint that covers every batch, INCOMPLETE, "
    "ReadFinished, and OK. Health is not SERVING meanwhile, and the process exits with 0 in time.",
    why="Deployments and autoscalers end connectors like this every day. What was read until then must not be read "
    "again.",
    fix="On SIGTERM set health to NOT_SERVING, treat every Read as if ReadDrain had come, and exit with 0 when the "
    "last call has ended.",
)
async def sigterm_drains(trial: Trial) -> None:
    recording = ReadRecording(large_opening(trial))
    async with trial.fresh_process() as (instance, process):
        async with instance.peer.read() as call:
            await opened_read(trial, call, recording.opening)
            await _receive_batches(trial, call, recording)
            began = time.monotonic()
            process.terminate()
            unserving = asyncio.ensure_future(_leaves_service(instance.peer))
            try:
                await asyncio.wait_for(trial.follow(call, recording), trial.case.patience.drain_seconds)
            except TimeoutError:
                fail(f"{trial.case.patience.drain_seconds:g} s after SIGTERM the Read still goes on")
            finally:
                serving_still = not await unserving
        _expect_drained(recording)
        expect(not serving_still, f"health still says SERVING {_UNSERVING_SECONDS:g} s after SIGTERM")
        await _expect_exit(trial, process, began)


async def _receive_batches(trial: Trial, call: Call, recording: ReadRecording) -> None:
    while len(recording.batches()) < _SOME_BATCHES:
        raw = await call.receive(trial.case.patience.call_seconds)
        if raw is None:
            skip(f"source.large ended before it could be interrupted: {call.failure or 'it is too small'}")
        recording.add(raw)


def _expect_drained(recording: ReadRecording) -> None:
    expect(recording.failure is None, f"after SIGTERM the Read fails instead of draining: {recording.failure}")
    states = [_State.State.Name(status.state) for status in recording.statuses(0) if status.state in TERMINAL]
    if states == ["STATE_COMPLETE"]:
        skip("source.large was complete before it could be interrupted; name a larger stream")
    expect(states == ["STATE_INCOMPLETE"], f"after SIGTERM the stream ends with {states}; STATE_INCOMPLETE is due")
    expect(
        recording.kinds[-1] == "finished", f"after SIGTERM the Read ends with {recording.kinds[-1]}, not ReadFinished"
    )
    sent = max(batch.batch_seq for batch in recording.batches())
    covered = max((checkpoint.up_to_batch_seq for checkpoint in recording.checkpoints()), default=0)
    expect(covered >= sent, f"after SIGTERM the last batch is {sent}, and checkpoints cover batch {covered}")


async def _leaves_service(peer: Peer) -> bool:
    """Ask for health until it is not SERVING any more; False when that takes too long."""
    deadline = time.monotonic() + _UNSERVING_SECONDS
    while time.monotonic() < deadline:
        answer = await peer.health(1.0)
        if answer.failure is not None or answer.responses[0].status != health_pb2.HealthCheckResponse.SERVING:
            return True
        await asyncio.sleep(0.02)
    return False


async def _expect_exit(trial: Trial, process: Process, began: float) -> None:
    left = trial.case.patience.drain_seconds - (time.monotonic() - began)
    code = await process.wait(max(0.1, left))
    expect(code is not None, f"{trial.case.patience.drain_seconds:g} s after SIGTERM the process is still there")
    expect(code == 0, f"after SIGTERM the process ended with exit code {code}; it should be 0")


@check(
    "fault.sigterm-commits",
    needs=[DESTINATION],
    process=True,
    asserts="After SIGTERM a Write that is open can send, commit and end; then the process exits with 0 in time. "
    "Health is not SERVING meanwhile.",
    why="What was sent and not committed is sent again. One more commit before the end saves all of it.",
    fix="On SIGTERM set health to NOT_SERVING and accept no new calls; let those that are open go on, and exit with 0 "
    "when the last one has ended.",
)
async def sigterm_commits(trial: Trial) -> None:
    delivery = Delivery(trial, "sigterm-commits", [plain(trial, "sigterm_commits")])
    rows = labelled(trial, "sigterm", 1, 20)
    _ = (await delivery.prepare()).ok
    async with trial.fresh_process() as (instance, process):
        async with delivery.writer(peer=instance.peer) as writing:
            await writing.send(records(rows[:10]))
            began = time.monotonic()
            process.terminate()
            serving_still = not await _leaves_service(instance.peer)
            try:
                await writing.send(records(rows[10:]))
                receipt = await writing.commit()
                recording = await writing.finish()
            except Failed as failure:
                fail(f"after SIGTERM, a Write that is open cannot commit: {failure}")
        expect(recording.failure is None, f"after SIGTERM and a commit, the Write fails: {recording.failure}")
        expect(not serving_still, f"health still says SERVING {_UNSERVING_SECONDS:g} s after SIGTERM")
        await _expect_exit(trial, process, began)
    _ = (await delivery.complete([receipt])).ok
    problem = difference(rows, await delivery.visible())
    expect(not problem, f"10 rows were sent before SIGTERM and 10 after it, committed and completed: {problem}")


@check(
    "fault.parent-dies",
    process=True,
    asserts="With TOWPATH_EXIT_WITH_PARENT=1 the process ends within 5 s of the end of its standard input, with a "
    "Read or Write open as well.",
    why="A worker that is killed cannot end its connectors. They would go on for ever, with credentials in their "
    "memory.",
    fix="Read standard input in a thread of its own; at its end, leave without waiting for anybody.",
)
async def parent_dies(trial: Trial) -> None:
    async with trial.fresh_process() as (instance, process):
        async with busy(trial, instance.peer, 1, "parent-dies"):
            if not process.forget():
                skip("only a connector that the judge starts by a command has its standard input")
            code = await process.wait(_ORPHAN_SECONDS)
        expect(
            code is not None,
            f"TOWPATH_EXIT_WITH_PARENT is 1 and standard input has ended; {_ORPHAN_SECONDS:g} s later the process is "
            "still there",
        )
