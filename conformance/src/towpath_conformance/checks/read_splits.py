"""Read, splits: how a read is divided, and whether the parts make up the whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from towpath.connector.v1 import source_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.peer import Peer
from towpath_conformance.readings import Row, golden, missing, read_from, row_text, rows_in
from towpath_conformance.registry import SOURCE, SPLITS, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip

_WANTED = 4


@check(
    "read.plan",
    needs=[SOURCE],
    asserts="PlanRead gives every stream at least one split, and exactly one where the source does not declare splits; "
    "each names its stream and has an id that no other split of the plan has.",
    why="The platform reads exactly the splits that it is given: a stream without one is not read at all.",
    fix="Return one split per stream unless you can divide it; set `stream` to the index in the request.",
)
async def plan(trial: Trial) -> None:
    streams = trial.source.streams
    splits = await _plan(trial, streams)
    for split in splits:
        expect(
            split.stream < len(streams),
            f"split {split.split_id!r} is of stream {split.stream}; {len(streams)} were asked for, from 0",
        )
        expect(split.split_id, f"a split of {streams[split.stream]} has no id")
    ids = Counter(split.split_id for split in splits)
    twice = [split_id for split_id, times in ids.items() if times > 1]
    expect(not twice, f"two splits of one plan have the id {twice[:1]}")
    counts = Counter(split.stream for split in splits)
    for index, stream in enumerate(streams):
        expect(counts[index], f"the plan has no split of {stream}")
        expect(
            counts[index] == 1 or SPLITS.declared(trial.spec),
            f"the plan has {counts[index]} splits of {stream}, and the source does not declare splits",
        )


@check(
    "read.splits-stable",
    needs=[SOURCE],
    asserts="Over unchanged data, equal requests get plans with the same split ids, also from another instance.",
    why="The platform remembers by id what it has read; after a restart it plans again and goes on with the rest.",
    fix="Derive ids from what a split covers, not from a counter, a clock or chance.",
)
async def splits_stable(trial: Trial) -> None:
    first = {split.split_id for split in await _plan(trial, trial.source.streams)}
    second = {split.split_id for split in await _plan(trial, trial.source.streams)}
    expect(first == second, f"the same plan has other split ids the second time: {sorted(first ^ second)[:4]}")
    async with trial.fresh() as instance:
        third = {split.split_id for split in await _plan(trial, trial.source.streams, instance.peer)}
    expect(first == third, f"the same plan has other split ids in another instance: {sorted(first ^ third)[:4]}")


@check(
    "read.splits-union",
    needs=[SOURCE],
    asserts="The splits of a stream, read apart from one another, hold every row that it has when it is read whole.",
    why="A range that no split covers is lost, and nobody notices: every part went well.",
    fix="Let the first split be open below and the last one above, and adjoining ones share their bound.",
)
async def splits_union(trial: Trial) -> None:
    for stream in trial.source.streams:
        lost = missing(await golden(trial, stream), await _rows_of_splits(trial, stream))
        expect(not lost, f"{len(lost)} rows of {stream} are in none of its splits, such as {row_text((*lost, ())[0])}")


@check(
    "read.splits-disjoint",
    needs=[SOURCE, SPLITS],
    asserts="No row is in two splits of a stream, or twice in one.",
    why="Rows at the bounds would be delivered twice.",
    fix="Include one bound of each range and exclude the other.",
)
async def splits_disjoint(trial: Trial) -> None:
    for stream in trial.source.streams:
        try:
            parts = await _rows_of_splits(trial, stream)
        except Failed as failure:
            skip(f"{failure}, which read.splits-union judges")
        more = missing(parts, await golden(trial, stream))
        expect(
            not more,
            f"the splits of {stream} hold {len(more)} rows more often than the whole, such as "
            f"{row_text((*more, ())[0])}",
        )


@check(
    "read.splits-elsewhere",
    needs=[SOURCE, SPLITS],
    asserts="A split can be read by another instance than the one that planned it, with the same rows.",
    why="Splits are read on several machines at once; that is what they are for.",
    fix="Put into the token everything that it takes to read the split; keep nothing of a plan in memory.",
)
async def splits_elsewhere(trial: Trial) -> None:
    async with trial.fresh() as instance:
        for stream in trial.source.streams:
            here = await _rows_of_splits(trial, stream)
            there: list[Row] = []
            for split in await _plan(trial, [stream]):
                there += await _rows_of_split(trial, stream, split, instance.peer)
            lost, strange = missing(here, there), missing(there, here)
            expect(
                not lost and not strange,
                f"read by another instance, the splits of {stream} lack {len(lost)} rows and have {len(strange)} "
                "others",
            )


async def _plan(trial: Trial, streams: Sequence[StreamCase], peer: Peer | None = None) -> Sequence[source_pb2.Split]:
    request = source_pb2.PlanReadRequest(
        config_json=trial.case.config_json,
        streams=[stream.wire() for stream in streams],
        target_splits=_WANTED,
    )
    answer = await (peer or await trial.peer()).plan(request, trial.case.patience.call_seconds)
    return answer.ok.splits


async def _rows_of_splits(trial: Trial, stream: StreamCase) -> Sequence[Row]:
    return await trial.once(f"read the splits of {stream!r}", lambda: _read_splits(trial, stream))


async def _read_splits(trial: Trial, stream: StreamCase) -> Sequence[Row]:
    splits = [split for split in await _plan(trial, [stream]) if split.stream == 0]
    if not splits:
        skip(f"the plan has no split of {stream}, which read.plan judges")
    return [
        row for rows in await asyncio.gather(*(_rows_of_split(trial, stream, one) for one in splits)) for row in rows
    ]


async def _rows_of_split(
    trial: Trial, stream: StreamCase, split: source_pb2.Split, peer: Peer | None = None
) -> Sequence[Row]:
    reading = await read_from(trial, source_pb2.ReadOpen(streams=[stream.wire()], split=split, attempt=1), peer=peer)
    if reading.refusal is not None:
        fail(f"reading split {split.split_id!r} of {stream} failed: {reading.refusal}")
    return rows_in(reading)
