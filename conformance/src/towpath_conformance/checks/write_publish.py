"""Write, what readers see: nothing before completion, then exactly what receipts name; and what aborting leaves."""

from __future__ import annotations

import asyncio

from towpath.connector.v1 import types_pb2

from towpath_conformance.checks.write_stream import labelled, one_stream
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.model import Row, difference
from towpath_conformance.registry import APPEND, DESTINATION, OVERWRITE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect
from towpath_conformance.writing import Writing

_OVERWRITE = types_pb2.WRITE_MODE_OVERWRITE


@check(
    "write.invisible-before-complete",
    needs=[DESTINATION],
    asserts="Committed rows are invisible to readers until CompleteWrite publishes them.",
    why="Until then the job may still fail, and what readers have seen cannot be taken back.",
    fix="Stage where no reader looks: a temporary table, an unfinished upload, a folder of its own.",
)
async def invisible_before_complete(trial: Trial) -> None:
    written = await one_stream(trial)
    expect(
        not written.before,
        f"the Write of {written.delivery} was committed and not completed, and {len(written.before)} of its rows are "
        "visible already",
    )


@check(
    "write.published-exactly",
    needs=[DESTINATION],
    asserts="CompleteWrite publishes every row that its receipts name and no other: not those of commits whose "
    "receipts it was not given.",
    why="A commit whose receipt the platform could not store is delivered again; published, it would be there twice.",
    fix="Publish from the receipts, not from what lies in the staging area; then discard the rest of it.",
)
async def published_exactly(trial: Trial) -> None:
    delivery = Delivery(trial, "published-exactly", [plain(trial, "published_exactly")])
    commits = [labelled(trial, "published", first, 8) for first in (1, 101, 201, 301)]
    recording = await delivery.write(*([records(rows)] for rows in commits))
    _ = (await delivery.complete(recording.receipts[:2])).ok
    problem = difference(commits[0] + commits[1], await delivery.visible())
    expect(not problem, f"of four commits of 8 rows, CompleteWrite was given the first two receipts: {problem}")


@check(
    "write.complete-idempotent",
    needs=[DESTINATION],
    asserts="CompleteWrite may be repeated, at the same instance and at another one: it goes well and changes nothing.",
    why="The platform repeats it whenever the answer was lost.",
    fix="Recognise what an earlier CompleteWrite has published, by a mark that is durable before or with the "
    "publication.",
)
async def complete_idempotent(trial: Trial) -> None:
    delivery = Delivery(trial, "complete-idempotent", [plain(trial, "complete_idempotent")])
    rows = labelled(trial, "complete", 1, 9)
    recording = await delivery.write([records(rows[:5])], [records(rows[5:])])
    _ = (await delivery.complete(recording.receipts)).ok
    again = await delivery.complete(recording.receipts)
    expect(again.failure is None, f"a second CompleteWrite with the same receipts failed: {again.failure}")
    async with trial.fresh() as other:
        elsewhere = await delivery.complete(recording.receipts, peer=other.peer)
    expect(elsewhere.failure is None, f"CompleteWrite repeated at another instance failed: {elsewhere.failure}")
    problem = difference(rows, await delivery.visible())
    expect(not problem, f"a write was completed three times: {problem}")


@check(
    "write.complete-after-kill",
    needs=[DESTINATION],
    process=True,
    slow=True,
    asserts="A CompleteWrite that was killed at any point is finished by the next one: every row is visible once.",
    why="Half a publication that cannot be repeated is the one failure that nobody can mend from outside.",
    fix="Decide durably what will be published before the first step; make each step repeatable, and the order of "
    "steps such that what is staged is given up only when it is visible.",
)
async def complete_after_kill(trial: Trial) -> None:
    random = trial.random("write.complete-after-kill")
    unharmed = await _many_commits(trial, 0)
    answer = await unharmed.delivery.complete(unharmed.receipts)
    _ = answer.ok
    for turn in range(1, min(6, trial.case.patience.kills) + 1):
        written = await _many_commits(trial, turn)
        async with trial.fresh_process() as (instance, process):
            completing = asyncio.ensure_future(written.delivery.complete(written.receipts, peer=instance.peer))
            await asyncio.sleep(random.uniform(0, 1.1 * answer.seconds))
            process.kill()
            await completing
        finished = await written.delivery.complete(written.receipts)
        expect(finished.failure is None, f"after a kill during CompleteWrite, the next one failed: {finished.failure}")
        problem = difference(written.rows, await written.delivery.visible())
        expect(not problem, f"after a kill during CompleteWrite and a second one: {problem}")


class _Written:
    """A write of eight commits, ended and not completed."""

    def __init__(self, delivery: Delivery, rows: list[Row], receipts: list[bytes]) -> None:
        self.delivery, self.rows, self.receipts = delivery, rows, receipts


async def _many_commits(trial: Trial, turn: int) -> _Written:
    delivery = Delivery(trial, f"complete-after-kill-{turn}", [plain(trial, f"complete_after_kill_{turn}")])
    commits = [labelled(trial, "kill", first, 6) for first in range(1, 800, 100)]
    recording = await delivery.write(*([records(rows)] for rows in commits))
    return _Written(delivery, [row for rows in commits for row in rows], recording.receipts)


@check(
    "write.abort-keeps-old-generation",
    needs=[DESTINATION, OVERWRITE],
    asserts="AbortWrite of a WRITE_MODE_OVERWRITE leaves the generation before it whole.",
    why="A refresh that failed must not cost its user the data of yesterday.",
    fix="Remove nothing of older generations before CompleteWrite; let AbortWrite look at the staging area alone.",
)
async def abort_keeps_old_generation(trial: Trial) -> None:
    old = labelled(trial, "old", 1, 7)
    first = plain(trial, "abort_old", _OVERWRITE, generation=1, minimum=1)
    await Delivery(trial, "abort-old-1", [first]).publish([records(old)])
    delivery = Delivery(trial, "abort-old-2", [plain(trial, "abort_old", _OVERWRITE, generation=2, minimum=2)])
    await delivery.write([records(labelled(trial, "new", 101, 7))])
    _ = (await delivery.abort()).ok
    problem = difference(old, await delivery.visible())
    expect(not problem, f"a second generation was written and aborted: {problem}")


@check(
    "write.abort-cleans",
    needs=[DESTINATION],
    asserts="AbortWrite discards everything that the write has staged, also of writers that were killed and of "
    "commits whose receipts were lost: nothing of it can be published afterwards, and the same names can be written "
    "anew.",
    why="What is left behind costs money, and may come to light in a later job.",
    fix="Find what is staged by the write_id, not by receipts: name or tag everything that you stage with it.",
)
async def abort_cleans(trial: Trial) -> None:
    delivery = Delivery(trial, "abort-cleans-1", [plain(trial, "abort_cleans")])
    _ = (await delivery.prepare()).ok
    async with delivery.writer(writer="ended") as writing:
        await writing.send(records(labelled(trial, "aborted", 1, 6)))
        receipts = [await writing.commit()]
        await writing.finish()
    receipts.append(await _leave_behind(trial, delivery))
    for time in ("AbortWrite", "a second AbortWrite"):
        answer = await delivery.abort()
        expect(answer.failure is None, f"{time} failed: {answer.failure}")
    seen = await delivery.visible()
    expect(not seen, f"a write was committed and aborted, and {len(seen)} of its rows are visible")
    # To fail is right here: what the receipts name is gone. What counts is that nothing comes to light.
    await delivery.complete(receipts, completed=[])
    seen = await delivery.visible()
    expect(not seen, f"after AbortWrite, CompleteWrite with the receipts of the aborted write shows {len(seen)} rows")
    rows = labelled(trial, "anew", 501, 6)
    later = Delivery(trial, "abort-cleans-2", delivery.targets)
    await later.publish([records(rows)])
    problem = difference(rows, await later.visible())
    expect(not problem, f"a write was aborted, and a later one of the same stream completed: {problem}")


async def _leave_behind(trial: Trial, delivery: Delivery) -> bytes:
    """Write a commit and something that no commit covers, and go away in the middle; killed, where that can be."""
    if not trial.target.can_start:
        async with delivery.writer(writer="cancelled") as writing:
            return await _commit_and_more(trial, writing)
    async with trial.fresh_process() as (instance, process):
        async with delivery.writer(writer="killed", peer=instance.peer) as writing:
            receipt = await _commit_and_more(trial, writing)
            process.kill()
        return receipt


async def _commit_and_more(trial: Trial, writing: Writing) -> bytes:
    await writing.send(records(labelled(trial, "left behind", 101, 6)))
    receipt = await writing.commit()
    await writing.send(records(labelled(trial, "uncommitted", 201, 6)))
    return receipt


@check(
    "write.abort-after-complete",
    needs=[DESTINATION],
    asserts="AbortWrite of a write that was completed goes well, and touches nothing of what was published.",
    why="After a lost answer the platform may not know that a write was completed, and clean up after it.",
    fix="Let AbortWrite remove what is staged and nothing else; published rows are no longer the write's.",
)
async def abort_after_complete(trial: Trial) -> None:
    delivery = Delivery(trial, "abort-after", [plain(trial, "abort_after")])
    rows = labelled(trial, "complete", 1, 7)
    await delivery.publish([records(rows)])
    answer = await delivery.abort()
    expect(answer.failure is None, f"AbortWrite of a completed write failed: {answer.failure}")
    problem = difference(rows, await delivery.visible())
    expect(not problem, f"a write was completed, then aborted: {problem}")


@check(
    "write.abort-nothing",
    needs=[DESTINATION],
    asserts="AbortWrite of a write that never staged anything, or that nobody has heard of, goes well.",
    why="The platform aborts a job whose attempts ended at any point, also before the first byte.",
    fix="Treat what is not there as discarded.",
)
async def abort_nothing(trial: Trial) -> None:
    target = plain(trial, "abort_nothing")
    answer = await Delivery(trial, "abort-unheard-of", [target]).abort()
    expect(answer.failure is None, f"AbortWrite of a write that was never begun failed: {answer.failure}")
    prepared = Delivery(trial, "abort-prepared", [target])
    _ = (await prepared.prepare()).ok
    answer = await prepared.abort()
    expect(answer.failure is None, f"AbortWrite of a write that was only prepared failed: {answer.failure}")


@check(
    "write.other-writes",
    needs=[DESTINATION, APPEND],
    asserts="Completing or aborting one write leaves what other writes have staged, also of the same stream.",
    why="Several connections may append to one stream, and a job that ends must not take another one's rows along.",
    fix="Keep the staged data of each write_id apart; discard by write_id, not by stream.",
)
async def other_writes(trial: Trial) -> None:
    target = plain(trial, "other_writes", types_pb2.WRITE_MODE_APPEND)
    kept, completed, aborted = (Delivery(trial, f"other-{name}", [target]) for name in ("kept", "completed", "aborted"))
    rows = [labelled(trial, "other", first, 5) for first in (1, 101, 201)]
    receipts: list[list[bytes]] = []
    for delivery, of_write in zip((kept, completed, aborted), rows, strict=True):
        receipts.append((await delivery.write([records(of_write)])).receipts)
    _ = (await aborted.abort()).ok
    _ = (await completed.complete(receipts[1])).ok
    answer = await kept.complete(receipts[0])
    failure = answer.failure
    expect(
        failure is None, f"after another write of its stream was aborted, and one completed, CompleteWrite: {failure}"
    )
    problem = difference([*rows[0], *rows[1]], await kept.visible())
    expect(not problem, f"of three writes of one stream one was aborted and two completed: {problem}")
