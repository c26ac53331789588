"""Write, the stream itself: the order of messages, commits and their answers, the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import grpc
from towpath.connector.v1 import types_pb2

from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.failure import Failure
from towpath_conformance.model import Row, difference
from towpath_conformance.registry import DESTINATION, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail
from towpath_conformance.writing import WriteRecording, Writing

__all__ = ["OneStream", "SeveralStreams", "labelled", "one_stream", "several_streams"]

_State = types_pb2.StreamStatus


def labelled(trial: Trial, name: str, first: int, count: int) -> list[Row]:
    """Return `count` rows with ids from `first` on; about a quarter of the labels is NULL."""
    random = trial.random(f"{name} {first}")
    return [
        (n, random.choice((None, f"{name} {n}", f"☃ {n}", f"{random.random()}"))) for n in range(first, first + count)
    ]


@dataclass(frozen=True)
class OneStream:
    """An ordinary write of one stream in three commits, the second of them without rows; taken down at each step."""

    delivery: Delivery
    recording: WriteRecording
    sent: list[list[Row]]
    """Rows per commit."""
    before: list[Row]
    """What was visible when everything was committed and nothing completed."""


async def one_stream(trial: Trial) -> OneStream:
    """Return the ordinary write of one stream; it is made once."""
    return await trial.once("write one stream", lambda: _write_one_stream(trial))


async def _write_one_stream(trial: Trial) -> OneStream:
    target = plain(trial, "one_stream")
    delivery = Delivery(trial, "one-stream", [target])
    sent = [labelled(trial, "one", 1, 40), [], labelled(trial, "one", 41, 7)]
    batches = [[records(sent[0][:25]), records(sent[0][25:])], [], [records(sent[2])]]
    recording = await delivery.write(*batches)
    before = await delivery.visible()
    await delivery.complete(recording.receipts)
    return OneStream(delivery, recording, sent, before)


@dataclass(frozen=True)
class SeveralStreams:
    """An ordinary write of three streams that take turns; the third has no rows at all."""

    delivery: Delivery
    recording: WriteRecording
    sent: list[list[Row]]
    """Rows per stream."""


async def several_streams(trial: Trial) -> SeveralStreams:
    """Return the ordinary write of several streams; it is made once."""
    return await trial.once("write several streams", lambda: _write_several_streams(trial))


async def _write_several_streams(trial: Trial) -> SeveralStreams:
    delivery = Delivery(trial, "several-streams", [plain(trial, f"several_{name}") for name in ("a", "b", "none")])
    sent = [labelled(trial, "a", 1, 30), labelled(trial, "b", 1, 20), []]
    _ = (await delivery.prepare()).ok
    async with delivery.writer() as writing:
        await writing.send(records(sent[0][:10]), 0)
        await writing.send(records(sent[1][:5]), 1)
        await writing.send(records(sent[0][10:18]), 0)
        await writing.commit()
        await writing.send(records(sent[1][5:]), 1)
        await writing.commit()
        await writing.send(records(sent[0][18:]), 0)
        await writing.commit()
        recording = await writing.finish()
    await delivery.complete(recording.receipts)
    return SeveralStreams(delivery, recording, sent)


@check(
    "write.opened-first",
    needs=[DESTINATION],
    asserts="WriteOpened is the first message of a Write, and comes exactly once.",
    why="It says that what earlier attempts left behind is gone; the broker sends no data before.",
    fix="Send WriteOpened once WriteOpen is accepted and leftovers are discarded, and never again in the same call.",
)
async def opened_first(trial: Trial) -> None:
    kinds = (await one_stream(trial)).recording.kinds
    first = next(iter(kinds), "nothing")
    expect(first == "opened", f"the first message of a Write is {first}, not opened")
    times = kinds.count("opened")
    expect(times == 1, f"a Write sent opened {times} times")


@check(
    "write.commit-answered",
    needs=[DESTINATION],
    asserts="Every WriteCommit is answered by one WriteCommitted with its number, in order; also one that covers no "
    "rows, and several that were sent without waiting.",
    why="The platform stores the receipt under the number of the commit; a wrong or missing one loses or doubles rows.",
    fix="Take commits one by one, in the order in which they come, and send the answer with the same commit_seq when "
    "all that came before is durable.",
)
async def commit_answered(trial: Trial) -> None:
    _expect_answers("a Write that waits for each answer", (await one_stream(trial)).recording)
    delivery = Delivery(trial, "commits-ahead", [plain(trial, "commits_ahead")])
    _ = (await delivery.prepare()).ok
    async with delivery.writer() as writing:
        for first in (1, 6, 11):
            await writing.send(records(labelled(trial, "ahead", first, 5)))
            await writing.send_commit()
        recording = await writing.finish()
    _expect_answers("a Write with three commits sent without waiting", recording)


def _expect_answers(name: str, recording: WriteRecording) -> None:
    if recording.refusal is not None:
        fail(f"{name} failed: {recording.refusal}")
    sent = [commit.commit_seq for commit in recording.commits]
    answered = [committed.commit_seq for committed in recording.committed()]
    expect(answered == sent, f"{name} sent the commits {sent}, and the answers are {answered}")


@check(
    "write.commit-rows",
    needs=[DESTINATION],
    asserts="WriteCommitted.rows holds, for each stream, the number of rows that this commit made durable.",
    why="The platform compares it with what source and broker have counted, and stops where rows went missing.",
    fix="Count the rows of each stream since the last commit, less those that you have rejected; leave out streams "
    "with none.",
)
async def commit_rows(trial: Trial) -> None:
    for recording in ((await one_stream(trial)).recording, (await several_streams(trial)).recording):
        for commit in recording.commits:
            if commit.answer is None:
                continue
            counted = {stream: rows for stream, rows in commit.answer.rows.items() if rows}
            expected = {stream: rows for stream, rows in commit.rows.items() if rows}
            expect(
                counted == expected,
                f"commit {commit.commit_seq} covered these rows per stream: {expected}; its answer says {counted}",
            )


@check(
    "write.commit-order",
    needs=[DESTINATION],
    asserts="A commit_seq that does not follow the one before is refused with INVALID_ARGUMENT, and makes nothing "
    "durable.",
    why="A commit out of order means that the platform and the destination disagree about what is stored.",
    fix="Remember the last commit_seq, beginning with resume_after_commit_seq, and fail unless the next is one higher.",
)
async def commit_order(trial: Trial) -> None:
    target = plain(trial, "commit_order")
    delivery = Delivery(trial, "commit-order", [target])
    _ = (await delivery.prepare()).ok
    kept = labelled(trial, "kept", 1, 5)
    async with delivery.writer(writer="skips") as writing:
        await writing.send(records(labelled(trial, "skipped", 101, 5)))
        await _expect_refused(writing, 2, "the first commit of a Write has the number 2")
    async with delivery.writer(writer="repeats") as writing:
        await writing.send(records(kept))
        receipt = await writing.commit()
        await writing.send(records(labelled(trial, "repeated", 201, 5)))
        await _expect_refused(writing, 1, "a second commit has the number 1")
    _ = (await delivery.complete([receipt])).ok
    problem = difference(kept, await delivery.visible())
    expect(not problem, f"after commits out of order were refused, and the one before was completed: {problem}")


async def _expect_refused(writing: Writing, commit_seq: int, what: str) -> None:
    committing = await writing.send_commit(commit_seq)
    if await writing.answer_to(committing) is not None:
        fail(f"{what}, and it is answered as if nothing were wrong; it should be refused with INVALID_ARGUMENT")
    await writing.rest()
    refusal = writing.recording.failure
    if refusal is None:
        fail(f"{what}, and the Write ends well; it should be refused with INVALID_ARGUMENT")
    expect(refusal.code is grpc.StatusCode.INVALID_ARGUMENT, f"{what}; it should be INVALID_ARGUMENT, and is {refusal}")


@check(
    "write.terminal-status",
    needs=[DESTINATION],
    asserts="After the half-close each stream gets exactly one terminal status, also one without rows; COMPLETE when "
    "the last commit covers everything. Then the call ends with OK.",
    why="It is how the broker knows that the destination has taken everything and let go of it.",
    fix="When requests end, send one StreamStatus per stream of WriteOpen, then end the call.",
)
async def terminal_status(trial: Trial) -> None:
    for recording in ((await one_stream(trial)).recording, (await several_streams(trial)).recording):
        expect(recording.failure is None, f"after the half-close the Write failed: {recording.failure}")
        for index, stream in enumerate(recording.opening.streams):
            states = [_State.State.Name(status.state) for status in recording.statuses(index)]
            expect(
                states == ["STATE_COMPLETE"],
                f"stream {index} ({stream.name.name}) got the terminal statuses {states or 'none'}; "
                "one STATE_COMPLETE is due, because the last commit covered everything",
            )
        early = [item for item in recording.of_kind("status") if not item.after_half_close]
        expect(
            not any(
                recording.statuses(item.message.status.stream) and _terminal(item.message.status) for item in early
            ),
            "a terminal status came before the half-close: more rows might have followed",
        )


def _terminal(status: types_pb2.StreamStatus) -> bool:
    return status.state in (_State.STATE_COMPLETE, _State.STATE_INCOMPLETE, _State.STATE_FAILED)


@check(
    "write.uncommitted",
    needs=[DESTINATION],
    asserts="What was sent after the last commit is discarded when the call ends, also when it ends in good order.",
    why="The platform has no receipt for it and will send it again: kept, it would be there twice.",
    fix="When requests end, throw away what no commit covers. A half-close is no commit.",
)
async def uncommitted(trial: Trial) -> None:
    delivery = Delivery(trial, "uncommitted", [plain(trial, "uncommitted")])
    _ = (await delivery.prepare()).ok
    kept = labelled(trial, "kept", 1, 5)
    async with delivery.writer() as writing:
        await writing.send(records(kept))
        receipt = await writing.commit()
        await writing.send(records(labelled(trial, "uncommitted", 101, 5)))
        await writing.finish()
    _ = (await delivery.complete([receipt])).ok
    problem = difference(kept, await delivery.visible())
    expect(not problem, f"5 rows were committed and 5 more were not, then the Write was ended and completed: {problem}")


@check(
    "write.unknown-mode",
    needs=[DESTINATION],
    asserts="A write mode that is not set, or that Spec does not declare, is refused with INVALID_ARGUMENT.",
    why="A destination that guesses might keep what was to be replaced, or replace what was to be kept.",
    fix="Compare WriteStream.mode with the modes of your Spec, in PrepareWrite and in WriteOpen.",
)
async def unknown_mode(trial: Trial) -> None:
    declared = trial.spec.destination.write_modes
    for name, number in types_pb2.WriteMode.items():
        if (mode := cast("types_pb2.WriteMode", number)) in declared:
            continue
        delivery = Delivery(trial, f"unknown-mode-{mode}", [plain(trial, "unknown_mode", mode)])
        _expect_invalid(f"PrepareWrite with {name}", (await delivery.prepare()).failure)
        async with delivery.unopened() as writing:
            opened = await writing.open()
            expect(not opened, f"a Write with {name}, which Spec does not declare, is opened; it should be refused")
            _expect_invalid(f"a Write with {name}", writing.recording.failure)


def _expect_invalid(what: str, failure: Failure | None) -> None:
    expect(
        failure is not None and failure.code is grpc.StatusCode.INVALID_ARGUMENT,
        f"{what}, which Spec does not declare, should fail with INVALID_ARGUMENT; it ended with {failure or 'OK'}",
    )
