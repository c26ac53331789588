"""Read: the order of messages, what is in a batch, and what a checkpoint covers."""

from __future__ import annotations

from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect


@check(
    "read.opened-first",
    needs=[SOURCE],
    asserts="ReadOpened is the first message of a Read, and comes exactly once.",
    why="It tells the broker whether acknowledgements are waited for, before the first checkpoint can come.",
    fix="Send ReadOpened as soon as ReadOpen is accepted, and never again in the same call.",
)
async def opened_first(trial: Trial) -> None:
    for reading in await trial.readings():
        first = next(iter(reading.kinds), "nothing")
        expect(first == "opened", f"the first message of the Read of {reading.name} is {first}, not opened")
        times = reading.kinds.count("opened")
        expect(times == 1, f"the Read of {reading.name} sent opened {times} times")


@check(
    "read.batch-seq",
    needs=[SOURCE],
    asserts="batch_seq starts at 1 and increases by one per batch, across all streams of the call.",
    why="A gap is how a broker notices that a batch was lost; checkpoints and commits name batches by this number.",
    fix="Count batches per call, not per stream, and number each one that is sent.",
)
async def batch_seq(trial: Trial) -> None:
    for reading in await trial.readings():
        previous = 0
        for batch in reading.batches():
            expect(
                batch.batch_seq == previous + 1,
                f"reading {reading.name}, batch_seq {batch.batch_seq} follows {previous}",
            )
            previous = batch.batch_seq
