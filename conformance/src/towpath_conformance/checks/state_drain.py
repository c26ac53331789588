"""Draining: a read that is asked to stop does so soon, and the next one goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain

import pyarrow as pa
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.peer import TooSlow
from towpath_conformance.readings import (
    Row,
    covered,
    exact_rows,
    golden,
    missing,
    read_from,
    row_text,
    rows_by_batch,
    rows_in,
)
from towpath_conformance.recording import TERMINAL, ReadRecording
from towpath_conformance.registry import REPLAY, SOURCE, check
from towpath_conformance.resuming import lost_for_good, may_be_lost, opening_from, resumes
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip

_Status = types_pb2.StreamStatus
_COMPARED = 100


@check(
    "state.drain",
    needs=[SOURCE],
    asserts="After ReadDrain a source stops at its next safe point: it sends a checkpoint, INCOMPLETE and "
    "ReadFinished, and a read from that checkpoint brings the rest. COMPLETE says that there is no rest.",
    why="It is how a platform moves a long read to another machine without losing what was read.",
    fix="Look for the drain between batches. A stream that has not begun is INCOMPLETE too.",
)
async def drain(trial: Trial) -> None:
    for stream in trial.source.streams:
        await _expect_rest(trial, stream, await _drained(trial, stream))
    if trial.source.large is not None:
        await _stops_soon(trial, trial.source.large)


async def _drained(trial: Trial, stream: StreamCase) -> ReadRecording:
    opening = source_pb2.ReadOpen(config_json=trial.case.config_json, streams=[stream.wire()], attempt=1)
    recording = ReadRecording(opening)
    async with (await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        await call.send(source_pb2.ReadRequest(drain=source_pb2.ReadDrain()))
        await trial.follow(call, recording)
    return recording


async def _expect_rest(trial: Trial, stream: StreamCase, drained: ReadRecording) -> None:
    if drained.refusal is not None:
        fail(f"the Read of {stream} fails when it is drained: {drained.refusal}")
    whole, rows = await golden(trial, stream), rows_by_batch(drained)
    last = next((item for item in reversed(list(drained.of_kind("checkpoint")))), None)
    before = list(chain.from_iterable(rows[: covered(drained, last)])) if last is not None else []
    if _is_complete(drained):
        lost = missing(whole, before)
        if lost and not missing(whole, rows_in(drained)) and _is_uncovered(await trial.reading(stream)):
            skip(f"{stream} is COMPLETE without a checkpoint of all rows anyway, which read.complete-is-covered judges")
        expect(
            not lost,
            f"{stream}, drained, is COMPLETE with {len(before)} rows covered, and has {len(whole)}: {len(lost)} are "
            "left",
        )
        return
    if last is None or not last.message.checkpoint.state:
        return  # nothing to continue from: the next read starts over
    resumed = await read_from(trial, opening_from(stream, last.message.checkpoint))
    if resumed.refusal is not None:
        lost_snapshot = may_be_lost(trial, stream) and lost_for_good(resumed.refusal)
        expect(lost_snapshot, f"{stream} cannot be read on from where it was drained: {resumed.refusal}")
        return
    lost = missing(whole, [*before, *rows_in(resumed)])
    if lost and await _loses_anyway(trial, stream, whole):
        skip(f"{stream} loses rows whenever it is resumed, which state.resume-without-gap judges")
    expect(
        not lost,
        f"{stream}, drained and read on, lacks {len(lost)} of its {len(whole)} rows, such as "
        f"{row_text((*lost, ())[0])}",
    )


def _is_complete(recording: ReadRecording) -> bool:
    return any(status.state == _Status.STATE_COMPLETE for status in recording.statuses(0))


def _is_uncovered(recording: ReadRecording) -> bool:
    last = max((batch.batch_seq for batch in recording.batches(0)), default=0)
    return last > max((checkpoint.up_to_batch_seq for checkpoint in recording.checkpoints(0)), default=0)


async def _loses_anyway(trial: Trial, stream: StreamCase, whole: Sequence[Row]) -> bool:
    good = [resumed for resumed in await resumes(trial, stream) if resumed.after.refusal is None]
    return any(missing(whole, [*resumed.before, *rows_in(resumed.after)]) for resumed in good)


async def _stops_soon(trial: Trial, stream: StreamCase) -> None:
    """Drain a stream that would go on for long, and see that it ends, and goes on right where it stopped."""
    seconds = trial.case.patience.call_seconds
    opening = source_pb2.ReadOpen(
        config_json=trial.case.config_with(trial.source.large_set), streams=[stream.wire()], attempt=1
    )
    recording = ReadRecording(opening)
    async with (await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        asked: float | None = None
        while (raw := await call.receive(seconds)) is not None:
            received = recording.add(raw)
            if received.kind == "batch" and asked is None:
                await call.send(source_pb2.ReadRequest(drain=source_pb2.ReadDrain()))
                asked = time.monotonic()
            elif received.kind == "finished":
                break
            late = asked is not None and time.monotonic() - asked > seconds
            expect(not late, f"{stream} was drained {seconds:g} s ago, and is still being read")
        expect(call.failure is None, f"the Read of {stream} fails when it is drained: {call.failure}")
    ends = [_Status.State.Name(status.state) for status in recording.statuses(0) if status.state in TERMINAL]
    expect(
        set(ends) <= {"STATE_INCOMPLETE", "STATE_COMPLETE"},
        f"{stream}, drained, is {ends}; it should be STATE_INCOMPLETE",
    )
    last = next(
        (item for item in reversed(list(recording.of_kind("checkpoint"))) if item.message.checkpoint.state), None
    )
    if last is not None and "STATE_INCOMPLETE" in ends and REPLAY.declared(trial.spec):
        await _expect_continued(trial, stream, recording, covered(recording, last), last.message.checkpoint)


async def _expect_continued(
    trial: Trial, stream: StreamCase, drained: ReadRecording, batches: int, checkpoint: types_pb2.Checkpoint
) -> None:
    rows = sum(records.num_rows for records in _records(drained)[:batches])
    onward = opening_from(stream, checkpoint)
    afresh = source_pb2.ReadOpen(streams=[stream.wire()], attempt=1)
    seen = await _some_rows(trial, onward, 0)
    due = await _some_rows(trial, afresh, rows)
    expect(
        seen == due,
        f"{stream}, read on from where it was drained, begins with {row_text((*seen, ())[0])}; row {rows} of it is "
        f"{row_text((*due, ())[0])}",
    )


async def _some_rows(trial: Trial, opening: source_pb2.ReadOpen, first: int) -> list[Row]:
    """Read a few rows, from number `first` on, and leave."""
    opening.config_json = trial.case.config_with(trial.source.large_set)
    recording = ReadRecording(opening)
    rows = 0
    async with (await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        try:
            while (
                rows < first + _COMPARED and (raw := await call.receive(trial.case.patience.call_seconds)) is not None
            ):
                received = recording.add(raw)
                rows += received.message.batch.rows if received.kind == "batch" else 0
        except TooSlow:
            skip(f"{recording.name} cannot be read as far as it was drained")
    found: list[Row] = []
    for records in _records(recording):
        found += exact_rows(_part(records, max(0, first), first + _COMPARED))
        first -= records.num_rows
    return found[:_COMPARED]


def _records(recording: ReadRecording) -> list[pa.RecordBatch]:
    try:
        return recording.records()
    except Failed as failure:
        skip(f"the batches of {recording.name} cannot be decoded, which read.arrow-valid judges: {failure}")


def _part(records: pa.RecordBatch, start: int, end: int) -> pa.RecordBatch:
    start = min(start, records.num_rows)
    return records.slice(start, max(0, min(end, records.num_rows) - start))
