"""State: what a read that begins from a checkpoint brings, here, elsewhere and later."""

from __future__ import annotations

import base64
import json

from towpath.connector.v1 import types_pb2

from towpath_conformance.actions import ActionFailed, act
from towpath_conformance.case import Mode, StreamCase
from towpath_conformance.readings import Row, missing, read_from, resumable, row_text, rows_in
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import REPLAY, SOURCE, check
from towpath_conformance.resuming import (
    lost_for_good,
    may_be_lost,
    opening_from,
    resume,
    resumes,
    spread,
)
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip

_ELSEWHERE = 3


@check(
    "state.resume-without-gap",
    needs=[SOURCE],
    asserts="A read that begins from the state of any checkpoint brings every row that this checkpoint did not cover. "
    "A snapshot that is gone may be refused with needs_reset, unless deterministic_replay is declared.",
    why="After a crash the platform continues from the last state that it has stored; a gap there is lost for ever.",
    fix="Let a checkpoint cover no row that was not sent before it, and begin right after the last one that it covers.",
)
async def resume_without_gap(trial: Trial) -> None:
    for stream in trial.source.streams:
        whole = rows_in(await resumable(trial, stream))
        for resumed in await resumes(trial, stream):
            where = f"{stream}, resumed from checkpoint {resumed.checkpoint.checkpoint_seq},"
            refusal = resumed.after.refusal
            if refusal is not None:
                expect(may_be_lost(trial, stream) and lost_for_good(refusal), f"{where} fails: {refusal}")
                continue
            lost = missing(whole, [*resumed.before, *rows_in(resumed.after)])
            expect(
                not lost,
                f"{where} lacks {len(lost)} of the {len(whole)} rows, such as {row_text((*lost, ())[0])}",
            )


@check(
    "state.resume-without-repeat",
    needs=[SOURCE, REPLAY],
    asserts="Where deterministic_replay is declared, a read that begins from the state of any checkpoint brings no row "
    "that this checkpoint covered, and the others in their order.",
    why="Rows that come twice are in the destination twice, where nothing tells them apart.",
    fix="Begin right after the last row that the checkpoint covers, not with it.",
)
async def resume_without_repeat(trial: Trial) -> None:
    for stream in trial.source.streams:
        whole = rows_in(await resumable(trial, stream))
        for resumed in await resumes(trial, stream):
            if resumed.after.refusal is not None:
                continue  # state.resume-without-gap says so
            where = f"{stream}, resumed from checkpoint {resumed.checkpoint.checkpoint_seq},"
            after = rows_in(resumed.after)
            more = missing([*resumed.before, *after], whole)
            expect(not more, f"{where} brings {len(more)} rows again, such as {row_text((*more, ())[0])}")
            left = iter(whole)
            strange = next((row for row in after if row not in left), None)
            expect(strange is None, f"{where} brings rows in another order: {row_text(strange or ())} comes too late")


@check(
    "state.in-another-process",
    needs=[SOURCE],
    asserts="A state that was stored as base64 text works in an instance that has never seen it, as it does in the one "
    "that made it; a snapshot that is gone may be refused with needs_reset, unless deterministic_replay is declared.",
    why="The next attempt runs in another process, on another machine, after an upgrade.",
    fix="Put everything into the state that it takes to continue. Treat it as bytes: it is neither text nor a key into "
    "something in memory.",
)
async def in_another_process(trial: Trial) -> None:
    async with trial.fresh() as instance:
        for stream in trial.source.streams:
            for resumed in spread(await resumes(trial, stream), _ELSEWHERE):
                checkpoint = _stored(resumed.checkpoint)
                there = await resume(trial, stream, checkpoint, instance.peer)
                if resumed.after.refusal is not None:
                    continue  # state.resume-without-gap says so
                where = f"{stream}, resumed by another instance from checkpoint {checkpoint.checkpoint_seq},"
                if there.refusal is not None:
                    expect(
                        may_be_lost(trial, stream) and lost_for_good(there.refusal), f"{where} fails: {there.refusal}"
                    )
                    continue
                lost, strange = missing(rows_in(resumed.after), rows_in(there)), len(rows_in(there))
                expect(
                    not lost,
                    f"{where} brings {strange} rows and lacks {len(lost)} that the one that made the state brings, "
                    f"such as {row_text((*lost, ())[0])}",
                )


def _stored(checkpoint: types_pb2.Checkpoint) -> types_pb2.Checkpoint:
    """Return a checkpoint after its state was in a JSON document, as platforms keep it."""
    text = json.dumps({"state": base64.b64encode(checkpoint.state).decode("ascii")})
    stored = types_pb2.Checkpoint()
    stored.CopyFrom(checkpoint)
    stored.state = base64.b64decode(json.loads(text)["state"])
    return stored


@check(
    "state.incremental",
    needs=[SOURCE],
    inputs=["source.add_rows"],
    changes=True,
    asserts="An incremental read from the last state brings nothing while nothing has changed, and afterwards exactly "
    "what is new or changed.",
    why="It is what incremental reads are for: what they miss is missing for good, what they repeat is paid for each "
    "time.",
    fix="Begin beyond the last cursor, and keep in the state what it takes to tell apart rows with the same cursor.",
)
async def incremental(trial: Trial) -> None:
    streams = [stream for stream in trial.source.streams if stream.mode is Mode.INCREMENTAL]
    if not streams:
        skip("the case file gives no incremental stream; add one to `source.streams`")
    # Read anew: other checks may have changed what there is.
    before = {str(stream): await trial.read(stream.wire()) for stream in streams}
    for stream in streams:
        rows = await _rows_since(trial, stream, before[str(stream)])
        expect(
            not rows,
            f"{stream}, read on while nothing has changed, brings {len(rows)} rows: {row_text((*rows, ())[0])}",
        )
    assert trial.source.add_rows is not None
    await act(trial.source.add_rows, trial.case.config, trial.case.folder)
    for stream in streams:
        due = missing(rows_in(await trial.read(stream.wire())), rows_in(before[str(stream)]))
        if not due:
            raise ActionFailed(f"`source.add_rows` added no row to {stream}")
        seen = await _rows_since(trial, stream, before[str(stream)])
        lost, strange = missing(due, seen), missing(seen, due)
        expect(
            not lost and not strange,
            f"{stream}, read on after {len(due)} rows were added, lacks {len(lost)} of them and brings {len(strange)} "
            f"others, such as {row_text((*lost, *strange, ())[0])}",
        )


async def _rows_since(trial: Trial, stream: StreamCase, before: ReadRecording) -> list[Row]:
    if before.refusal is not None:
        skip(f"reading {stream} failed, which read.completes judges: {before.refusal}")
    states = [checkpoint for checkpoint in before.checkpoints() if checkpoint.state]
    if not states:
        fail(f"{stream} has no checkpoint with a state: the next read would start over")
    reading = await read_from(trial, opening_from(stream, states[-1]))
    if reading.refusal is not None:
        fail(f"{stream}, resumed from its last checkpoint, fails: {reading.refusal}")
    return rows_in(reading)
