"""Reads that begin from a checkpoint of an earlier one: each is made once, and judged by several checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import grpc
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.case import Mode, StreamCase
from towpath_conformance.failure import Failure
from towpath_conformance.peer import Peer
from towpath_conformance.readings import Row, covered, read_from, resumable, rows_by_batch
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import ACKS, REPLAY
from towpath_conformance.trial import Trial

__all__ = ["Resumed", "lost_for_good", "may_be_lost", "opening_from", "resume", "resumes", "spread", "stateful"]

T = TypeVar("T")


@dataclass(frozen=True)
class Resumed:
    """A read from a checkpoint: the rows that this one covers, and what came then."""

    checkpoint: types_pb2.Checkpoint
    before: Sequence[Row]
    after: ReadRecording


async def resumes(trial: Trial, stream: StreamCase) -> Sequence[Resumed]:
    """Resume one stream from each of its checkpoints, or from as many as the case file has patience for."""
    return await trial.once(f"resume {stream!r}", lambda: _resumes(trial, stream))


async def _resumes(trial: Trial, stream: StreamCase) -> Sequence[Resumed]:
    golden = await resumable(trial, stream)
    rows = rows_by_batch(golden)
    found: list[Resumed] = []
    for item in spread(
        [item for item in golden.of_kind("checkpoint") if item.message.checkpoint.state], trial.case.patience.resumes
    ):
        checkpoint = item.message.checkpoint
        before = list(chain.from_iterable(rows[: covered(golden, item)]))
        found.append(Resumed(checkpoint, before, await resume(trial, stream, checkpoint)))
    return found


async def stateful(trial: Trial, stream: StreamCase) -> Sequence[types_pb2.Checkpoint]:
    """The checkpoints of one stream from which it can be resumed."""
    return [checkpoint for checkpoint in (await resumable(trial, stream)).checkpoints() if checkpoint.state]


async def resume(
    trial: Trial, stream: StreamCase, checkpoint: types_pb2.Checkpoint, peer: Peer | None = None
) -> ReadRecording:
    """Read one stream from a checkpoint. What may be forgotten upstream stays as it is."""
    acknowledge = not ACKS.declared(trial.spec)
    return await read_from(trial, opening_from(stream, checkpoint), peer=peer, acknowledge=acknowledge)


def opening_from(stream: StreamCase, checkpoint: types_pb2.Checkpoint) -> source_pb2.ReadOpen:
    """What opens a read from a checkpoint, be its state that of the stream or a shared one."""
    if checkpoint.HasField("stream"):
        wire = stream.wire(checkpoint.state, checkpoint.state_version)
        return source_pb2.ReadOpen(streams=[wire], attempt=2)
    return source_pb2.ReadOpen(
        streams=[stream.wire()],
        shared_state=checkpoint.state,
        shared_state_version=checkpoint.state_version,
        attempt=2,
    )


def lost_for_good(failure: Failure) -> bool:
    """The source says that a state cannot be continued, and that it has to be dropped."""
    return failure.code is grpc.StatusCode.FAILED_PRECONDITION and failure.needs_reset


def may_be_lost(trial: Trial, stream: StreamCase) -> bool:
    """States of this stream may die with what they refer to, such as the snapshot under which a table was read."""
    return stream.mode is Mode.SNAPSHOT and not REPLAY.declared(trial.spec)


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many items, evenly spread, the first and the last among them where there is room."""
    if len(items) <= most:
        return list(items)
    if most == 1:
        return [items[-1]]
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
