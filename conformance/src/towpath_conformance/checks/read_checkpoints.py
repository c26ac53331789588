"""Read, checkpoints: their numbers, and what they say to cover."""

from __future__ import annotations

from towpath.connector.v1 import types_pb2

from towpath_conformance.readings import covered, decoded, every_reading
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect

_SHARED = -1
"""The scope of checkpoints whose state is that of the whole read."""


@check(
    "read.checkpoint-seq",
    needs=[SOURCE],
    asserts="checkpoint_seq starts at 1 and increases by one per checkpoint, across all streams of the call.",
    why="Acknowledgements are cumulative and name checkpoints by this number.",
    fix="Count checkpoints per call, not per stream.",
)
async def checkpoint_seq(trial: Trial) -> None:
    for reading in await every_reading(trial):
        previous = 0
        for checkpoint in reading.checkpoints():
            expect(
                checkpoint.checkpoint_seq == previous + 1,
                f"reading {reading.name}, checkpoint_seq {checkpoint.checkpoint_seq} follows {previous}",
            )
            previous = checkpoint.checkpoint_seq


@check(
    "read.checkpoint-covers",
    needs=[SOURCE],
    asserts="up_to_batch_seq of a checkpoint is the number of a batch that was sent before it (0 before the first), "
    "and never lower than in an earlier checkpoint of the same stream.",
    why="The broker commits what a checkpoint covers; it cannot commit what it does not have, nor take a commit back.",
    fix="Send a checkpoint after the batches that its state covers, with the number of the last one of them.",
)
async def checkpoint_covers(trial: Trial) -> None:
    for reading in await every_reading(trial):
        sent = {0}
        reached: dict[int, int] = {}
        for item in reading.received:
            if item.kind == "batch":
                sent.add(item.message.batch.batch_seq)
            if item.kind != "checkpoint":
                continue
            checkpoint = item.message.checkpoint
            where = f"reading {reading.name}, checkpoint {checkpoint.checkpoint_seq}"
            expect(
                checkpoint.up_to_batch_seq in sent,
                f"{where} covers batches up to {checkpoint.up_to_batch_seq}; the last one sent before it was "
                f"{max(sent)}",
            )
            before = reached.get(_scope(checkpoint), 0)
            expect(
                checkpoint.up_to_batch_seq >= before,
                f"{where} covers batches up to {checkpoint.up_to_batch_seq}, while an earlier one covered {before}",
            )
            reached[_scope(checkpoint)] = checkpoint.up_to_batch_seq


@check(
    "read.checkpoint-rows",
    needs=[SOURCE],
    asserts="Checkpoint.rows is the number of rows that it covers and the previous checkpoint of the same stream did "
    "not.",
    why="Source, broker and destination compare their counts at each commit; a difference ends the attempt.",
    fix="Count rows per stream as they are sent, and start again at each checkpoint.",
)
async def checkpoint_rows(trial: Trial) -> None:
    for reading in await every_reading(trial):
        counts = _rows_per_batch(reading)
        reached: dict[int, int] = {}
        for item in reading.of_kind("checkpoint"):
            checkpoint = item.message.checkpoint
            scope = _scope(checkpoint)
            upto = covered(reading, item)
            due = sum(counts.get(scope, [])[reached.get(scope, 0) : upto])
            reached[scope] = max(upto, reached.get(scope, 0))
            expect(
                checkpoint.rows == due,
                f"reading {reading.name}, checkpoint {checkpoint.checkpoint_seq} says {checkpoint.rows} rows; since "
                f"the previous one {due} were sent and covered",
            )


@check(
    "read.complete-is-covered",
    needs=[SOURCE],
    asserts="When a stream is COMPLETE, a checkpoint covers every batch of it.",
    why="What no checkpoint covers is never committed: rows of a stream that is said to be complete would be lost.",
    fix="Send a checkpoint after the last batch, before COMPLETE; with an empty state where there is nothing to "
    "continue.",
)
async def complete_is_covered(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for index, _ in enumerate(reading.opening.streams):
            ends = {status.state for status in reading.statuses(index)}
            last = max((batch.batch_seq for batch in reading.batches(index)), default=0)
            reached = max((checkpoint.up_to_batch_seq for checkpoint in reading.checkpoints(index)), default=0)
            expect(
                types_pb2.StreamStatus.STATE_COMPLETE not in ends or reached >= last,
                f"stream {index} of the Read of {reading.name} is COMPLETE; its last batch is {last}, and its "
                f"checkpoints cover batches up to {reached}",
            )


def _scope(checkpoint: types_pb2.Checkpoint) -> int:
    return checkpoint.stream if checkpoint.HasField("stream") else _SHARED


def _rows_per_batch(reading: ReadRecording) -> dict[int, list[int]]:
    """Rows of each batch in order, per scope: as decoded, or as said where that is impossible."""
    held = {batch.batch_seq: found.num_rows for batch, found in decoded(reading) if not isinstance(found, Failed)}
    counts: dict[int, list[int]] = {_SHARED: []}
    for batch in reading.batches():
        rows = held.get(batch.batch_seq, batch.rows)
        counts.setdefault(batch.stream, []).append(rows)
        counts[_SHARED].append(rows)
    return counts
