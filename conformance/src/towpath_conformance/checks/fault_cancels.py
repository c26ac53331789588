"""Faults of callers: they cancel, they lose their connection. What was going on for them ends, and is freed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import grpc
from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2

from towpath_conformance.cable import cable
from towpath_conformance.calls import blocked_writes, busy, large_opening, open_reads, opening_with
from towpath_conformance.delivery import together
from towpath_conformance.levels import not_freed, settled
from towpath_conformance.offences import expect_serving, material, opened_read
from towpath_conformance.peer import Call, Peer, TooSlow
from towpath_conformance.registry import DESTINATION, SOURCE, check
from towpath_conformance.targets.port import Instance
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, skip
from towpath_conformance.writing import Writing

_CALLS = 8
"""More than the slack of `levels`, so that one thread or descriptor that is left per call is seen."""
_BLOCKED_CALLS = 5
_PROMPT_SECONDS = 1.0
_TIMES_AS_LONG = 4


@check(
    "fault.cancel-prompt",
    alone=True,
    asserts="A cancelled call lets go within a second: the same Read can be opened again, and the next attempt of the "
    "same writer is opened, in at most a second more than it takes without.",
    why="A cancelled job starts again at once, and a worker that lost its lease is replaced at once; whoever comes "
    "next must not wait for the ghost of the call before.",
    fix="Pass the cancellation of a call on to the work that it does: interrupt queries, close cursors, release "
    "locks. In most gRPC libraries a handler is told by its context and has to look.",
)
async def cancel_prompt(trial: Trial) -> None:
    peer = await trial.peer()
    if trial.is_source:
        opening = large_opening(trial)
        before = await _seconds_to_open_a_read(trial, peer, opening)
        after = await _seconds_to_open_a_read(trial, peer, opening)
        _expect_prompt("the same Read", before, after)
    if trial.is_destination:
        valid = await material(trial, "cancel-prompt")
        seconds: list[float] = []
        for epoch in (1, 2):
            async with peer.write() as call:
                began = time.monotonic()
                opening = valid.delivery.opening(epoch=epoch)
                if not await Writing(call, opening, trial.case.patience.call_seconds).open():
                    skip(f"a Write was refused, which write.opened-first judges: {call.failure}")
                seconds.append(time.monotonic() - began)
                for message in (valid.schema, valid.request()):
                    await call.send(message)
                await _cancel(call)
        _expect_prompt("the next attempt of the same writer", *seconds)


async def _seconds_to_open_a_read(trial: Trial, peer: Peer, opening: source_pb2.ReadOpen) -> float:
    """Open a Read, look at its first messages and cancel it; return the time until ReadOpened."""
    async with peer.read() as call:
        began = time.monotonic()
        await opened_read(trial, call, opening)
        seconds = time.monotonic() - began
        await _receive_some(trial, call)
        await _cancel(call)
    return seconds


async def _receive_some(trial: Trial, call: Call, messages: int = 3) -> None:
    for _ in range(messages):
        if await call.receive(trial.case.patience.call_seconds) is None:
            return


async def _cancel(call: Call) -> None:
    call.cancel()
    failure = await call.ending(_PROMPT_SECONDS)
    expect(
        failure is None or failure.code is grpc.StatusCode.CANCELLED,
        f"a call that is cancelled should end with CANCELLED; it ended with {failure}",
    )


def _expect_prompt(what: str, before: float, after: float) -> None:
    most = _PROMPT_SECONDS + _TIMES_AS_LONG * before
    expect(
        after <= most,
        f"opening took {before:.2f} s; after a cancellation, {what} took {after:.2f} s to open. It may take a second, "
        f"and {_TIMES_AS_LONG} times as long as before for a busy machine: {most:.2f} s",
    )


@check(
    "fault.cancel-frees",
    process=True,
    alone=True,
    asserts=f"Within 5 s of the cancellation of {_CALLS} Reads or Writes, threads and descriptors of the process are "
    "back where they were, and it uses no CPU.",
    why="Connectors live for weeks in some deployments, and jobs are cancelled every day. What each leaves behind "
    "adds up.",
    fix="End the thread or task of a cancelled call, and close what it has open in a finally block. A thread that "
    "produces into a queue must notice that nobody takes from it any more.",
)
async def cancel_frees(trial: Trial) -> None:
    instance = await trial.shared()

    def calls(round_: int) -> AbstractAsyncContextManager[list[Call]]:
        return busy(trial, instance.peer, _CALLS, f"cancel-frees-{round_}")

    await _expect_freed(instance, calls, _let_run(trial), f"{_CALLS} calls were cancelled")
    await expect_serving(instance.peer, "the cancellations")


def _let_run(trial: Trial) -> Callable[[list[Call]], Awaitable[None]]:
    async def let_run(calls: list[Call]) -> None:
        if trial.is_source:
            for call in calls[:_CALLS]:
                await _receive_some(trial, call)

    return let_run


async def _expect_freed(
    instance: Instance,
    calls: Callable[[int], AbstractAsyncContextManager[list[Call]]],
    meanwhile: Callable[[list[Call]], Awaitable[None]],
    what: str,
) -> None:
    """Make calls and end them, twice; after the second time, expect what there was after the first.

    By then the pools of the process are full. What it does not let go of ends with it: the next check gets another one.
    """
    process = instance.process
    assert process is not None
    async with calls(1) as filling:
        await meanwhile(filling)
    before = await settled(process)
    async with calls(2) as judged:
        await meanwhile(judged)
    problem = await not_freed(process, before)
    if problem:
        process.kill()
        await process.wait(_PROMPT_SECONDS)
    expect(not problem, f"{what}: {problem}")


@check(
    "fault.cancel-blocked-read",
    needs=[SOURCE],
    inputs=["source.blocked"],
    process=True,
    alone=True,
    asserts="A Read that is blocked in the remote system ends when it is cancelled, and frees its threads and "
    "descriptors within 5 s; health is answered meanwhile.",
    why="A lock at the source can hold a read for hours. The user who cancels it should not have to kill the "
    "connector, and all other jobs of it.",
    fix="Do not wait without end: use the driver's cancel function, a timeout that you repeat, or a socket that you "
    "close.",
)
async def cancel_blocked_read(trial: Trial) -> None:
    blocked = trial.source.blocked
    assert blocked is not None
    opening = opening_with(trial, blocked, trial.case.config_with(trial.source.blocked_set))
    instance = await trial.shared()

    async def stay_blocked(calls: list[Call]) -> None:
        await together(*(_until_it_blocks(trial, call, "source.blocked", _completes) for call in calls))
        await expect_serving(instance.peer, "several Reads that are blocked")

    await _expect_freed(
        instance,
        lambda _: open_reads(trial, instance.peer, _BLOCKED_CALLS, opening),
        stay_blocked,
        f"{_BLOCKED_CALLS} blocked Reads were cancelled",
    )


async def _until_it_blocks(trial: Trial, call: Call, what: str, is_served: Callable[[bytes], bool]) -> None:
    try:
        while (raw := await call.receive(trial.case.patience.blocked_seconds)) is not None:
            if is_served(raw):
                skip(f"{what} of the case file does not block: the call was served")
    except TooSlow:
        return
    skip(f"{what} of the case file does not block: the call ended with {call.failure or 'OK'}")


def _completes(raw: bytes) -> bool:
    return source_pb2.ReadResponse.FromString(raw).status.state == types_pb2.StreamStatus.STATE_COMPLETE


def _commits(raw: bytes) -> bool:
    return destination_pb2.WriteResponse.FromString(raw).HasField("committed")


@check(
    "fault.cancel-blocked-write",
    needs=[DESTINATION],
    inputs=["destination.blocked_set"],
    process=True,
    alone=True,
    asserts="A Write that is blocked in the remote system ends when it is cancelled, and frees its threads and "
    "descriptors within 5 s; health is answered meanwhile.",
    why="A lock or a full disk at the destination can hold a write for hours. The user who cancels it should not have "
    "to kill the connector, and all other jobs of it.",
    fix="Do not wait without end: use the driver's cancel function, a timeout that you repeat, or a socket that you "
    "close.",
)
async def cancel_blocked_write(trial: Trial) -> None:
    instance = await trial.shared()

    async def stay_blocked(calls: list[Call]) -> None:
        await together(*(_until_it_blocks(trial, call, "destination.blocked_set", _commits) for call in calls))
        await expect_serving(instance.peer, "several Writes that are blocked")

    await _expect_freed(
        instance,
        lambda round_: blocked_writes(trial, instance.peer, _BLOCKED_CALLS, f"cancel-blocked-{round_}"),
        stay_blocked,
        f"{_BLOCKED_CALLS} blocked Writes were cancelled",
    )


@check(
    "fault.client-gone",
    process=True,
    alone=True,
    asserts=f"Within 5 s of the loss of a connection with {_CALLS} Reads or Writes on it, threads and descriptors of "
    "the process are back where they were, and it uses no CPU.",
    why="Workers are killed and networks break; nobody cancels then. A connector that goes on reads for nobody, or "
    "holds a writer that another worker wants.",
    fix="Treat a lost connection as the cancellation of every call on it; gRPC does, unless a proxy of your own is in "
    "between.",
)
async def client_gone(trial: Trial) -> None:
    instance = await trial.shared()
    await _expect_freed(
        instance,
        lambda round_: _cut_off(trial, instance, f"client-gone-{round_}"),
        _let_run(trial),
        f"a connection with {_CALLS} calls was lost",
    )
    await expect_serving(instance.peer, "the loss of a connection")


@asynccontextmanager
async def _cut_off(trial: Trial, instance: Instance, name: str) -> AsyncGenerator[list[Call]]:
    """Make calls over a connection of their own; leaving cuts it."""
    async with cable(instance.address) as laid:
        peer = Peer(laid.address, instance.token)
        try:
            async with busy(trial, peer, _CALLS, name) as calls:
                yield calls
                laid.cut()
        finally:
            await peer.close()
