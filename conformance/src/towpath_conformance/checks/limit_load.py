"""Limits under load: memory while a reader stalls, health while others read and write, calls that are only idle."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from statistics import median

from towpath.connector.v1 import source_pb2

from towpath_conformance.calls import busy, large_opening
from towpath_conformance.offences import material
from towpath_conformance.peer import Call, Peer, TooSlow
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip
from towpath_conformance.writing import Writing

_POLL_SECONDS = 0.05
_AFTER_THE_STALL = 8
"""Messages, some of which were sent before it."""
_ROUNDS = 3
_BUSY_CALLS = 8
_PINGS = 9
_PACE_SECONDS = 0.02
_HEALTH_SECONDS = 0.1
_TIMES_IDLE = 4
_PING_MILLISECONDS = 5000
_OPEN_STILL_SECONDS = 0.1
_BUFFERED_MESSAGES = 32
"""More than gRPC holds for a reader that does not read: what comes after them was sent after the idling."""


@check(
    "limit.slow-reader-memory",
    needs=[SOURCE],
    inputs=["source.large"],
    process=True,
    alone=True,
    slow=True,
    asserts="A source whose reader stalls stays within `patience.memory_mib`, and goes on without a gap when it is "
    "read again.",
    why="A destination can be slower than any source, for hours. What the source reads ahead of it is memory, until "
    "the kernel ends the process.",
    fix="Wait for each message to be taken before you produce the next few: most gRPC libraries queue whatever you "
    "write, so use the callback, the drain event, or the future that they give you.",
)
async def slow_reader_memory(trial: Trial) -> None:
    patience, opening = trial.case.patience, large_opening(trial)
    recording, peak = ReadRecording(opening), 0
    async with trial.fresh_process() as (instance, process), instance.peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        while not recording.batches() and (raw := await call.receive(patience.call_seconds)) is not None:
            recording.add(raw)
        began = time.monotonic()
        while (stalled := time.monotonic() - began) < patience.slow_reader_seconds:
            peak = max(peak, process.resident_bytes())
            expect(
                peak <= patience.memory_mib << 20,
                f"nobody has read {recording.name} for {stalled:.1f} s, and the source holds {peak >> 20} MiB; the "
                f"case file allows {patience.memory_mib}",
            )
            await asyncio.sleep(_POLL_SECONDS)
        for _ in range(_AFTER_THE_STALL):
            if (raw := await call.receive(patience.call_seconds)) is None:
                break
            recording.add(raw)
        expect(call.failure is None, f"reading {recording.name} on after a stall failed: {call.failure}")
    seqs = [batch.batch_seq for batch in recording.batches()]
    expect(
        seqs == list(range(1, len(seqs) + 1)),
        f"nobody read {recording.name} for {patience.slow_reader_seconds:g} s; its batches have the numbers {seqs}",
    )
    trial.facts["MiB of memory with a slow reader"] = float(peak >> 20)


@check(
    "limit.health-under-load",
    alone=True,
    asserts=f"Health is answered while {_BUSY_CALLS} Reads or Writes run: in the median within "
    f"{_HEALTH_SECONDS * 1000:g} ms and {_TIMES_IDLE} times what it takes when nothing runs.",
    why="A connector that does not answer for its health is taken for dead, and killed with all the jobs that it runs.",
    fix="Answer health from a thread, a pool or a loop that calls of authors cannot block. Cut batches small enough "
    "that encoding one holds nobody up.",
)
async def health_under_load(trial: Trial) -> None:
    instance = await trial.shared()
    peer = instance.other_peer()
    rounds: list[tuple[float, float]] = []
    try:
        # A machine that is busy with something else is so for a while; a server that blocks does so every time.
        while len(rounds) < _ROUNDS and not any(loaded <= most for loaded, most in rounds):
            rounds.append(await _round(trial, instance.peer, peer))
    finally:
        await peer.close()
    loaded, most = min(rounds)
    trial.facts["ms to answer for health under load"] = round(loaded * 1000, 1)
    expect(
        any(seconds <= allowed for seconds, allowed in rounds),
        f"with {_BUSY_CALLS} calls running, health took {loaded * 1000:.0f} ms in the median of {_PINGS}, in the best "
        f"of {_ROUNDS} rounds; it may take {most * 1000:.0f}: {_HEALTH_SECONDS * 1000:g} and {_TIMES_IDLE} times what "
        "it takes without",
    )


async def _round(trial: Trial, working: Peer, peer: Peer) -> tuple[float, float]:
    """Return the median answer under load, and how long it may take, in seconds."""
    idle, _ = await _seconds_to_answer(peer)
    async with busy(trial, working, _BUSY_CALLS, "health-under-load") as calls, _taken_from(calls):
        loaded, late = await _seconds_to_answer(peer)
    # The judge is loaded as well: by as much as it wakes up late, it also sees answers late.
    return loaded, _HEALTH_SECONDS + _TIMES_IDLE * (idle + late)


async def _seconds_to_answer(peer: Peer) -> tuple[float, float]:
    """Ask for health some times; return the median of the answers, and of how late this process itself was."""
    seconds: list[float] = []
    late: list[float] = []
    for _ in range(_PINGS):
        answer = await peer.health()
        if answer.failure is not None:
            fail(f"health was not answered: {answer.failure}")
        seconds.append(answer.seconds)
        due = time.monotonic() + _PACE_SECONDS
        await asyncio.sleep(_PACE_SECONDS)
        late.append(time.monotonic() - due)
    return median(seconds), median(late)


@asynccontextmanager
async def _taken_from(calls: list[Call]) -> AsyncGenerator[None]:
    """Receive what calls send while the block runs, so that they go on working. How they end is not judged."""

    async def take(call: Call) -> None:
        with contextlib.suppress(Failed):
            while not call.ended:
                await call.receive()
                await asyncio.sleep(_PACE_SECONDS)

    tasks = [asyncio.ensure_future(take(call)) for call in calls]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@check(
    "limit.idle-with-pings",
    slow=True,
    asserts="A call on which nothing happens for `patience.idle_seconds` is not closed, while the caller pings every "
    f"{_PING_MILLISECONDS // 1000} s.",
    why="A source waits for a slow destination, and a destination for a slow source. Pings tell the caller that the "
    "other side is alive; a server that answers them with too_many_pings ends the job in the middle.",
    fix="Allow pings every 5 s, with and without calls: in gRPC's core grpc.http2.min_ping_interval_without_data_ms "
    "and grpc.keepalive_permit_without_calls, in Go keepalive.EnforcementPolicy. Close no call for being idle.",
)
async def idle_with_pings(trial: Trial) -> None:
    peer = (await trial.shared()).other_peer(
        options=[
            ("grpc.keepalive_time_ms", _PING_MILLISECONDS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    )
    try:
        if trial.is_source:
            await _idle_read(trial, peer)
        if trial.is_destination:
            await _idle_write(trial, peer)
    finally:
        await peer.close()


async def _idle_read(trial: Trial, peer: Peer) -> None:
    opening, patience = large_opening(trial), trial.case.patience
    recording = ReadRecording(opening)
    async with peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        while not recording.batches():
            if (raw := await call.receive(patience.call_seconds)) is None:
                skip(f"{recording.name} cannot be read, which read.completes judges: {call.failure or 'no batch came'}")
            recording.add(raw)
        await asyncio.sleep(patience.idle_seconds)
        for _ in range(_BUFFERED_MESSAGES):
            if (raw := await call.receive(patience.call_seconds)) is None:
                break
            if recording.add(raw).kind == "finished":
                return
        expect(
            not call.ended,
            f"nobody read {recording.name} for {patience.idle_seconds:g} s, and its Read is closed: "
            f"{call.failure or 'it ended with OK, without ReadFinished'}",
        )


async def _idle_write(trial: Trial, peer: Peer) -> None:
    patience = trial.case.patience
    valid = await material(trial, "idle")
    async with peer.write() as call:
        writing = Writing(call, valid.delivery.opening(), patience.call_seconds)
        if not await writing.open():
            skip(f"a Write was refused, which write.opened-first judges: {call.failure}")
        await asyncio.sleep(patience.idle_seconds)
        with contextlib.suppress(TooSlow):
            while await call.receive(_OPEN_STILL_SECONDS) is not None:
                continue
            fail(
                f"nothing was written for {patience.idle_seconds:g} s, and the Write is closed: "
                f"{call.failure or 'it ended with OK'}"
            )
    await valid.delivery.abort(peer=peer)
