"""Killed anywhere: after any message of a Read or a Write, another instance goes on, and the whole is exact."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.checks.write_stream import labelled
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.model import Row, difference
from towpath_conformance.peer import Peer
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import DESTINATION, DISCARDS, REPLAY, SOURCE, check
from towpath_conformance.targets.port import Instance, Process
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip
from towpath_conformance.writing import Writing


class _Lives:
    """One instance after the other: whoever asks gets the one that lives."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._stack = AsyncExitStack()
        self._living: tuple[Instance, Process] | None = None

    async def instance(self) -> tuple[Instance, Process]:
        """The living one; started when there is none."""
        if self._living is None or not self._living[1].alive:
            await self.close()
            self._living = await self._stack.enter_async_context(self._trial.fresh_process())
        return self._living

    async def kill(self) -> None:
        """Kill the living one, and wait until it is dead."""
        if self._living is not None:
            self._living[1].kill()
            await self._living[1].wait(5)
            await self.close()

    async def close(self) -> None:
        """End what is there."""
        await self._stack.aclose()
        self._stack, self._living = AsyncExitStack(), None


@asynccontextmanager
async def _lives(trial: Trial) -> AsyncGenerator[_Lives]:
    lives = _Lives(trial)
    try:
        yield lives
    finally:
        await lives.close()


def _spread(count: int, most: int) -> list[int]:
    """At most so many of the numbers from 0 to below `count`, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    if most == 1:
        return [count // 2]
    return sorted({index * (count - 1) // (most - 1) for index in range(most)})


@check(
    "fault.read-killed-anywhere",
    needs=[SOURCE],
    process=True,
    slow=True,
    asserts="A source is killed with SIGKILL after each message of a Read; another instance continues from the last "
    "checkpoint that was received, and both together yield exactly the rows of an undisturbed Read.",
    why="Machines die without warning. What a source needs in order to go on must be in the state, not in the process.",
    fix="Put everything into the state that the next instance needs, and nothing that only this process knows, such "
    "as a cursor, a session or a file of its own. Leave no lock behind that a dead process would have had to release.",
)
async def read_killed_anywhere(trial: Trial) -> None:
    goldens = [(stream, await trial.reading(stream)) for stream in trial.source.streams]
    places = [
        (stream, golden, index)
        for stream, golden in goldens
        if golden.failure is None
        for index in range(len(golden.received))
    ]
    if not places:
        skip("no stream of the case file can be read without being killed")
    async with _lives(trial) as lives:
        for place in _spread(len(places), trial.case.patience.kills):
            await _kill_read(trial, lives, *places[place])


async def _kill_read(trial: Trial, lives: _Lives, stream: StreamCase, golden: ReadRecording, index: int) -> None:
    instance, _ = await lives.instance()
    begun = await _read_up_to(trial, instance.peer, golden.opening, index)
    await lives.kill()
    when = f"the source was killed after message {index + 1} of the Read of {stream}"
    if any(status.state == types_pb2.StreamStatus.STATE_COMPLETE for status in begun.statuses(0)):
        together = begun.rows()
    else:
        kept, opening = _continued(begun)
        instance, _ = await lives.instance()
        rest = ReadRecording(opening)
        async with instance.peer.read() as call:
            await call.send(source_pb2.ReadRequest(open=opening))
            await trial.follow(call, rest)
        expect(rest.failure is None, f"{when}, and another instance cannot go on: {rest.failure}")
        together = [*kept, *rest.rows()]
    expected = golden.rows()
    problem = difference(expected, together)
    expect(not problem, f"{when}, and another instance went on; of both together, {problem}")
    if REPLAY.declared(trial.spec):
        expect(
            together == expected,
            f"{when}, and another instance went on with the right rows in another order; deterministic_replay is "
            "declared",
        )


async def _read_up_to(trial: Trial, peer: Peer, opening: source_pb2.ReadOpen, index: int) -> ReadRecording:
    begun = ReadRecording(opening)
    async with peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        while len(begun.received) <= index:
            raw = await call.receive(trial.case.patience.call_seconds)
            if raw is None:
                break
            received = begun.add(raw)
            if received.kind == "checkpoint":
                ack = source_pb2.ReadAck(checkpoint_seq=received.message.checkpoint.checkpoint_seq)
                await call.send(source_pb2.ReadRequest(ack=ack))
    return begun


def _continued(begun: ReadRecording) -> tuple[list[Row], source_pb2.ReadOpen]:
    """What is kept of a Read that broke off, and the open that continues it, as the platform would say it."""
    opening = source_pb2.ReadOpen()
    opening.CopyFrom(begun.opening)
    opening.attempt += 1
    last = next(reversed(begun.checkpoints(0)), None)
    if last is None or not last.state:  # nothing to continue from: from the start
        return [], opening
    if last.HasField("stream"):
        opening.streams[0].state, opening.streams[0].state_version = last.state, last.state_version
    else:
        opening.shared_state = last.state
    return begun.rows(0, lambda batch: batch.batch_seq <= last.up_to_batch_seq), opening


_Step = Callable[[Writing], Awaitable[object]]


@check(
    "fault.write-killed-anywhere",
    needs=[DESTINATION],
    process=True,
    slow=True,
    asserts="A destination is killed with SIGKILL after each message of a Write; another instance continues after the "
    "last commit that was answered, and after CompleteWrite every row is visible: exactly once where "
    "discards_after_resume is declared, at least once elsewhere.",
    why="Machines die without warning, most of them between a commit and its answer. Neither side may lose or double "
    "a row.",
    fix="Make a commit durable before you answer it, find what you have staged by write and writer and not by "
    "process, and discard what follows resume_after_commit_seq before you send WriteOpened. Leave no lock behind.",
)
async def write_killed_anywhere(trial: Trial) -> None:
    commits = [labelled(trial, "killed", first, 8) for first in (1, 101, 201)]
    steps = _steps(commits)
    async with _lives(trial) as lives:
        for index in _spread(len(steps), trial.case.patience.kills):
            await _kill_write(trial, lives, index, commits)


def _steps(commits: Sequence[Sequence[Row]]) -> list[tuple[str, _Step]]:
    """What a Write does, message by message: two batches for each commit."""
    steps: list[tuple[str, _Step]] = [("WriteOpened", lambda writing: writing.open())]
    for number, rows in enumerate(commits, 1):
        halves = (rows[: len(rows) // 2], rows[len(rows) // 2 :])
        steps += [(f"a batch of commit {number}", _sending(half)) for half in halves]
        steps.append((f"WriteCommit {number}", lambda writing: writing.send_commit()))
        steps.append((f"WriteCommitted {number}", lambda writing: writing.answer_to(writing.recording.commits[-1])))
    return [*steps, ("the end of the Write", lambda writing: writing.finish())]


def _sending(rows: Sequence[Row]) -> _Step:
    return lambda writing: writing.send(records(rows))


async def _kill_write(trial: Trial, lives: _Lives, index: int, commits: Sequence[Sequence[Row]]) -> None:
    name = f"killed-{index}"
    delivery = Delivery(trial, name, [plain(trial, name.replace("-", "_"))])
    steps = _steps(commits)
    when = f"the destination was killed after {steps[index][0]}"
    instance, _ = await lives.instance()
    _ = (await delivery.prepare(peer=instance.peer)).ok
    async with delivery.unopened(peer=instance.peer) as writing:
        for _, step in steps[: index + 1]:
            await step(writing)
        await lives.kill()
    receipts = writing.recording.receipts
    instance, _ = await lives.instance()
    try:
        async with delivery.writer(
            peer=instance.peer, epoch=2, resume=len(receipts), receipts=list(receipts)
        ) as successor:
            for rows in commits[len(receipts) :]:
                await successor.send(records(rows))
                receipts.append(await successor.commit())
            await successor.finish()
        _ = (await delivery.complete(receipts, peer=instance.peer)).ok
    except Failed as failure:
        fail(f"{when}, and another instance cannot go on: {failure}")
    expected, seen = [row for rows in commits for row in rows], await delivery.visible()
    if not DISCARDS.declared(trial.spec):
        missing = [row for row in expected if row not in seen]
        expect(not missing, f"{when}, and another instance went on; rows are missing, such as {missing[:1]}")
        return
    problem = difference(expected, seen)
    expect(not problem, f"{when}, and another instance went on: {problem}")
