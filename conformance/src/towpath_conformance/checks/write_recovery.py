"""Write, after a crash: what is committed stays, what is not is written anew, and who was replaced is shut out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc

from towpath_conformance.checks.write_stream import labelled
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.failure import Failure
from towpath_conformance.model import Row, difference
from towpath_conformance.peer import Peer
from towpath_conformance.registry import DESTINATION, DISCARDS, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip

_FENCED = "FENCED"


@check(
    "write.committed-durable",
    needs=[DESTINATION],
    process=True,
    asserts="What WriteCommitted covers survives a SIGKILL that comes right after it: another instance publishes all "
    "of it.",
    why="The platform forgets a batch, and lets the source forget it, as soon as its commit is answered.",
    fix="Answer only when the data are where another process finds them, flushed and closed, and the receipt says "
    "where.",
)
async def committed_durable(trial: Trial) -> None:
    delivery = Delivery(trial, "committed-durable", [plain(trial, "committed_durable")])
    commits = [labelled(trial, "durable", first, 50) for first in (1, 101)]
    _ = (await delivery.prepare()).ok
    receipts: list[bytes] = []
    async with trial.fresh_process() as (instance, process), delivery.writer(peer=instance.peer) as writing:
        for rows in commits:
            await writing.send(records(rows))
            receipts.append(await writing.commit())
        process.kill()
    answer = await delivery.complete(receipts)
    failure = answer.failure
    expect(failure is None, f"the connector was killed right after two commits, and CompleteWrite fails: {failure}")
    problem = difference([row for rows in commits for row in rows], await delivery.visible())
    expect(not problem, f"the connector was killed right after two commits, and another instance completed: {problem}")


@dataclass(frozen=True)
class _Replayed:
    """A write whose first attempt ended early: commit 1 is stored, commit 2 is not, and a batch is uncommitted."""

    sent: list[Row]
    seen: list[Row]
    failure: Failure | None
    """Of CompleteWrite."""


async def _replayed(trial: Trial) -> _Replayed:
    return await trial.once("write replayed", lambda: _replay(trial))


async def _replay(trial: Trial) -> _Replayed:
    delivery = Delivery(trial, "replay", [plain(trial, "replay")])
    stored, lost, uncommitted, new = (labelled(trial, "replay", first, 10) for first in (1, 101, 201, 301))
    _ = (await delivery.prepare()).ok
    async with _dying_instance(trial) as (peer, die), delivery.writer(peer=peer) as writing:
        await writing.send(records(stored))
        receipt = await writing.commit()
        await writing.send(records(lost))
        await writing.commit()
        await writing.send(records(uncommitted))
        die()
    async with trial.fresh() as other:
        opening = {"epoch": 2, "resume": 1, "receipts": [receipt]}
        async with delivery.writer(peer=other.peer, **opening) as writing:
            await writing.send(records(lost))
            receipts = [receipt, await writing.commit()]
            await writing.send(records(uncommitted))
            await writing.send(records(new))
            receipts.append(await writing.commit())
            await writing.finish()
        completion = await delivery.complete(receipts, peer=other.peer)
    return _Replayed([*stored, *lost, *uncommitted, *new], await delivery.visible(), completion.failure)


@asynccontextmanager
async def _dying_instance(trial: Trial) -> AsyncGenerator[tuple[Peer, Callable[[], None]]]:
    """An instance, and how to kill it; where none can be started, the shared one, and a call that is only cancelled."""
    if not trial.target.can_start:
        yield await trial.peer(), lambda: None
        return
    async with trial.fresh_process() as (instance, process):
        yield instance.peer, process.kill


@check(
    "write.replay-loses-nothing",
    needs=[DESTINATION],
    asserts="After a crash, a Write that is opened with the last stored commit and its receipts goes on from there: "
    "what was stored and what is sent again are visible in the end.",
    why="It is what at-least-once means.",
    fix="On WriteOpen keep what the given receipts name, number commits from resume_after_commit_seq on, and take "
    "batches as in any other Write.",
)
async def replay_loses_nothing(trial: Trial) -> None:
    replayed = await _replayed(trial)
    failure = replayed.failure
    expect(failure is None, f"a write was resumed after its first commit, and CompleteWrite failed: {failure}")
    lost = Counter(replayed.sent) - Counter(replayed.seen)
    expect(
        not lost,
        f"a write was resumed after its first commit; {lost.total()} of {len(replayed.sent)} rows are lost, such as "
        f"{next(iter(lost), None)}",
    )


@check(
    "write.replay-doubles-nothing",
    needs=[DESTINATION, DISCARDS],
    asserts="With discards_after_resume, what a writer made durable after resume_after_commit_seq is gone when the "
    "Write is opened again: rows that are sent once more are there once.",
    why="It is what exactly-once means.",
    fix="Before WriteOpened, discard everything of this write_id and writer_id that the given receipts do not name.",
)
async def replay_doubles_nothing(trial: Trial) -> None:
    replayed = await _replayed(trial)
    if replayed.failure is not None:
        skip("the resumed write could not be completed, which write.replay-loses-nothing judges")
    doubled = Counter(replayed.seen) - Counter(replayed.sent)
    expect(
        not doubled,
        f"a write was resumed after its first of two commits, and {doubled.total()} rows are there twice, such as "
        f"{next(iter(doubled), None)}",
    )


@check(
    "write.fenced",
    needs=[DESTINATION, DISCARDS],
    asserts="Once a Write with a higher epoch is open, the same writer of a lower one fails with ABORTED and the "
    "reason FENCED: the call that is running, at its next message, and a new one, at its open.",
    why="A worker that was cut off may wake up after another has taken over; what it delivers then would be there "
    "twice.",
    fix="Remember the highest epoch of each write_id and writer_id, and compare it on WriteOpen and before each "
    "commit.",
)
async def fenced(trial: Trial) -> None:
    peer = await trial.peer()
    await _expect_fencing(trial, "fenced", peer, peer)


@check(
    "write.fenced-elsewhere",
    needs=[DESTINATION, DISCARDS],
    asserts="A higher epoch that opens a writer at another instance shuts the lower one out just the same.",
    why="The worker that takes over starts a connector of its own, often on another machine.",
    fix="Keep the highest epoch at the remote system, change it atomically, and look at it before each commit.",
)
async def fenced_elsewhere(trial: Trial) -> None:
    async with trial.fresh() as other:
        await _expect_fencing(trial, "fenced-elsewhere", await trial.peer(), other.peer)


@check(
    "write.fenced-after-complete",
    needs=[DESTINATION, DISCARDS],
    asserts="A writer that was taken over stays shut out when its write has been completed at another instance: its "
    "commit fails with ABORTED and the reason FENCED, and nothing of it is visible.",
    why="A worker may sleep for longer than the rest of its job takes.",
    fix="Where the fence of a writer is gone, its write has ended: treat that as fenced.",
)
async def fenced_after_complete(trial: Trial) -> None:
    delivery = Delivery(trial, "fenced-after-complete", [plain(trial, "fenced_after_complete")])
    rows = labelled(trial, "in time", 1, 5)
    _ = (await delivery.prepare()).ok
    async with delivery.writer(epoch=1) as sleeper:
        async with trial.fresh() as other:
            async with delivery.writer(epoch=2, peer=other.peer) as successor:
                await successor.send(records(rows))
                receipt = await successor.commit()
                await successor.finish()
            _ = (await delivery.complete([receipt], peer=other.peer)).ok
        await sleeper.send(records(labelled(trial, "too late", 101, 5)))
        if await sleeper.answer_to(await sleeper.send_commit()) is not None:
            fail("epoch 2 has taken the writer over and completed, and a commit of epoch 1 is answered")
        await sleeper.rest()
        _expect_fenced("a commit of epoch 1 after CompleteWrite", sleeper.recording.failure)
    problem = difference(rows, await delivery.visible())
    expect(not problem, f"epoch 1 woke up after epoch 2 had completed: {problem}")


async def _expect_fencing(trial: Trial, name: str, old: Peer, new: Peer) -> None:
    delivery = Delivery(trial, name, [plain(trial, name.replace("-", "_"))])
    stored, late, newer = (labelled(trial, name, first, 5) for first in (1, 101, 201))
    _ = (await delivery.prepare()).ok
    async with delivery.writer(peer=old, epoch=1) as overruled:
        await overruled.send(records(stored))
        receipt = await overruled.commit()
        async with delivery.writer(peer=new, epoch=2, resume=1, receipts=[receipt]) as successor:
            await overruled.send(records(late))
            if await overruled.answer_to(await overruled.send_commit()) is not None:
                fail("epoch 2 has taken the writer over, and a commit of epoch 1 is answered as if nothing were wrong")
            await overruled.rest()
            _expect_fenced("a commit of epoch 1", overruled.recording.failure)
            async with delivery.unopened(delivery.opening(epoch=1), peer=old) as latecomer:
                if await latecomer.open():
                    fail("epoch 2 has taken the writer over, and a Write of epoch 1 is opened")
                _expect_fenced("a new Write of epoch 1", latecomer.recording.failure)
            await successor.send(records(newer))
            receipts = [receipt, await successor.commit()]
            await successor.finish()
    _ = (await delivery.complete(receipts)).ok
    problem = difference([*stored, *newer], await delivery.visible())
    expect(not problem, f"after epoch 1 was shut out and epoch 2 completed: {problem}")


def _expect_fenced(what: str, failure: Failure | None) -> None:
    expect(
        failure is not None and failure.code is grpc.StatusCode.ABORTED and failure.reason == _FENCED,
        f"epoch 2 has taken the writer over; {what} should fail with ABORTED and the reason {_FENCED}, and ended with "
        f"{failure or 'OK'}",
    )
