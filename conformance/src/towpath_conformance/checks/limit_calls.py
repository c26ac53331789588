"""Limits of number: many calls at once are served or refused, and none waits for another or reads its rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import grpc
from google.protobuf.message import Message
from towpath.connector.v1 import source_pb2

from towpath_conformance.calls import opening_with
from towpath_conformance.delivery import together
from towpath_conformance.offences import material
from towpath_conformance.peer import Call, TooSlow
from towpath_conformance.readings import golden, missing, row_text, rows_in
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip

_READS = 8
_CALLS = 64


@check(
    "limit.concurrent-reads",
    needs=[SOURCE],
    alone=True,
    asserts=f"{_READS} Reads of one stream at the same time bring each the rows that one alone brings.",
    why="One process serves many jobs, and two of them may well read the same table.",
    fix="Keep everything of a Read in the Read: its connection, its cursor, its buffers. Or refuse it with "
    "RESOURCE_EXHAUSTED.",
)
async def concurrent_reads(trial: Trial) -> None:
    stream = trial.source.streams[0]
    expected = await golden(trial, stream)
    opening = opening_with(trial, stream)
    peer = await trial.peer()
    async with _opened(trial, peer.read, [source_pb2.ReadRequest(open=opening)] * _READS) as calls:
        recordings = [ReadRecording(opening) for _ in calls]
        # Nothing is acknowledged: what one of them lets go of might lack for the others.
        await together(*(trial.follow(*pair, acknowledge=False) for pair in zip(calls, recordings, strict=True)))
    for recording in recordings:
        expect(recording.failure is None, f"one of {_READS} Reads of {stream} failed: {recording.failure}")
        rows = rows_in(recording)
        lost, others = missing(expected, rows), missing(rows, expected)
        expect(
            not lost and not others,
            f"one of {_READS} Reads of {stream} at once brought {len(rows)} rows; one alone brings {len(expected)}, of "
            f"which {len(lost)} lack, {len(others)} are not of it, such as {row_text((lost or others or [()])[0])}",
        )


@check(
    "limit.many-calls",
    alone=True,
    asserts=f"Of {_CALLS} Reads or Writes at the same time each is opened or refused at once, while the others are "
    "open.",
    why="A call that waits for the end of another waits for ever when that one waits for it in turn: as a Write and "
    "the Read that feeds it do, in one pool of threads.",
    fix="Use no pool of fixed size for calls that last; where there has to be a bound, refuse what exceeds it with "
    "RESOURCE_EXHAUSTED.",
)
async def many_calls(trial: Trial) -> None:
    peer = await trial.peer()
    if trial.is_source:
        stream = trial.source.streams[0]
        await golden(trial, stream)  # one that cannot be read at all is not judged here
        opening = source_pb2.ReadRequest(open=opening_with(trial, stream))
        async with _opened(trial, peer.read, [opening] * _CALLS):
            pass
    if trial.is_destination:
        written = await material(trial, "many-calls")
        # Some destinations take one writer at a time and refuse the others, or fence them, which is an answer as well.
        openings = [written.open(1, f"writer {number}") for number in range(_CALLS)]
        async with _opened(trial, peer.write, openings, refusals=()):
            pass
        await written.delivery.abort()


@asynccontextmanager
async def _opened(
    trial: Trial,
    begin: Callable[[], AbstractAsyncContextManager[Call]],
    openings: Sequence[Message | bytes],
    refusals: Sequence[grpc.StatusCode] = (grpc.StatusCode.RESOURCE_EXHAUSTED,),
) -> AsyncGenerator[list[Call]]:
    """Open calls and keep those open that are not refused, with one of these codes if any; leaving cancels them."""
    count = len(openings)
    async with AsyncExitStack() as stack:
        calls = [await stack.enter_async_context(begin()) for _ in openings]
        await together(*(call.send(opening) for call, opening in zip(calls, openings, strict=True)))
        try:
            first = await together(*(call.receive(trial.case.patience.call_seconds) for call in calls))
        except TooSlow:
            fail(f"{count} calls were begun at once, and some were neither opened nor refused within {_seconds(trial)}")
        refused = [call.failure for call in calls if call.failure is not None]
        others = [failure for failure in refused if refusals and failure.code not in refusals]
        expect(not others, f"{count} calls were begun at once, and one was refused with {others[:1]}")
        opened = [call for call, raw in zip(calls, first, strict=True) if raw is not None]
        if not opened:
            skip(f"all of {count} calls were refused: {refused[:1] or 'they ended with OK'}")
        yield opened


def _seconds(trial: Trial) -> str:
    return f"{trial.case.patience.call_seconds:g} s"
