"""Read, the order of its messages: what opens it, what ends a stream, and what ends the whole."""

from __future__ import annotations

from towpath.connector.v1 import types_pb2

from towpath_conformance.readings import every_reading
from towpath_conformance.recording import TERMINAL, ReadRecording
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail

_Status = types_pb2.StreamStatus


@check(
    "read.opened-first",
    needs=[SOURCE],
    asserts="ReadOpened is the first message of a Read, and comes exactly once.",
    why="It tells the broker whether acknowledgements are waited for, before the first checkpoint can come.",
    fix="Send ReadOpened as soon as ReadOpen is accepted, and never again in the same call.",
)
async def opened_first(trial: Trial) -> None:
    for reading in await every_reading(trial):
        first = next(iter(reading.kinds), "nothing")
        expect(first == "opened", f"the first message of the Read of {reading.name} is {first}, not opened")
        times = reading.kinds.count("opened")
        expect(times == 1, f"the Read of {reading.name} sent opened {times} times")


@check(
    "read.completes",
    needs=[SOURCE],
    asserts="A stream that is read from the start to its end, and not drained, ends COMPLETE, and the call goes well.",
    why="Only a complete stream may replace what the destination holds; every other end makes the platform read again.",
    fix="After the last row and its checkpoint, send COMPLETE. INCOMPLETE is for reads that stopped early.",
)
async def completes(trial: Trial) -> None:
    for reading in await trial.readings():
        failures = [status.failure.message for status in reading.statuses(0) if status.state == _Status.STATE_FAILED]
        expect(not failures, f"reading {reading.name} failed: {failures[:1]}")
        if "finished" not in reading.kinds:
            expect(reading.failure is None, f"reading {reading.name} failed: {reading.failure}")
            fail(f"the Read of {reading.name} ended without ReadFinished")
        ends = {_Status.State.Name(status.state) for status in reading.statuses(0) if status.state in TERMINAL}
        expect(
            ends <= {"STATE_COMPLETE"},
            f"{reading.name}, read to its end, is {', '.join(sorted(ends))}; it should be STATE_COMPLETE",
        )


@check(
    "read.one-terminal-status",
    needs=[SOURCE],
    asserts="Each stream of a Read gets exactly one of COMPLETE, INCOMPLETE and FAILED.",
    why="The broker counts the streams that have ended; without a status one never ends, with two it ends as either.",
    fix="Send the terminal status of a stream when its last batch and checkpoint are sent, for every stream of the "
    "open.",
)
async def one_terminal_status(trial: Trial) -> None:
    for reading in await every_reading(trial):
        if "finished" not in reading.kinds:
            continue  # a call that failed as a whole says so once, and not per stream
        for index in range(len(reading.opening.streams)):
            ends = [_Status.State.Name(s.state) for s in reading.statuses(index) if s.state in TERMINAL]
            expect(
                len(ends) == 1,
                f"stream {index} of the Read of {reading.name} has {len(ends)} terminal statuses: {ends}; "
                "it should have exactly one",
            )


@check(
    "read.status-states",
    needs=[SOURCE],
    asserts="Every status has a state; only FAILED has a failure; only WAITING has a time until which it waits, and "
    "after it comes another status.",
    why="A platform shows these to its users, and waits for what they announce.",
    fix="Set `state` always, `failure` with FAILED alone, `resume_at` with WAITING alone; send RUNNING when it goes "
    "on.",
)
async def status_states(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for index in range(len(reading.opening.streams)):
            _expect_states(reading, index)


def _expect_states(reading: ReadRecording, index: int) -> None:
    statuses, where = reading.statuses(index), f"of stream {index} of the Read of {reading.name}"
    for status in statuses:
        expect(status.state != _Status.STATE_UNSPECIFIED, f"a status {where} has no state")
        name = _Status.State.Name(status.state) if status.state in _Status.State.values() else str(status.state)
        expect(
            status.state == _Status.STATE_FAILED or not status.HasField("failure"),
            f"the status {name} {where} has a failure, which only STATE_FAILED has",
        )
        expect(
            (status.state == _Status.STATE_WAITING) == status.HasField("resume_at"),
            f"the status {name} {where} has resume_at {'set' if status.HasField('resume_at') else 'not set'}; "
            "STATE_WAITING sets it, and no other",
        )
    last = statuses[-1].state if statuses else None
    expect(last != _Status.STATE_WAITING or not reading.ended, f"the last status {where} is STATE_WAITING")


@check(
    "read.nothing-after-terminal",
    needs=[SOURCE],
    asserts="After its terminal status a stream gets no schema, no batch and no checkpoint any more.",
    why="The broker commits a stream when it has ended; what comes later would never be delivered.",
    fix="Send COMPLETE, INCOMPLETE or FAILED as the last message of a stream, after the checkpoint that covers it.",
)
async def nothing_after_terminal(trial: Trial) -> None:
    for reading in await every_reading(trial):
        ended: set[int] = set()
        for item in reading.received:
            message = item.message
            about: types_pb2.SchemaAnnounce | types_pb2.Batch | types_pb2.Checkpoint | None = None
            if item.kind == "schema":
                about = message.schema
            elif item.kind == "batch":
                about = message.batch
            elif item.kind == "checkpoint" and message.checkpoint.HasField("stream"):
                about = message.checkpoint
            elif item.kind == "status" and message.status.state in TERMINAL:
                ended.add(message.status.stream)
            expect(
                about is None or about.stream not in ended,
                f"a {item.kind} of stream {about.stream if about else 0} of the Read of {reading.name} follows its "
                "terminal status",
            )


@check(
    "read.finished-last",
    needs=[SOURCE],
    asserts="ReadFinished is the last message, comes once, and names the last checkpoint, or 0 when there was none.",
    why="The broker waits for it, acknowledges what it names and half-closes; what follows would not be heard.",
    fix="Send ReadFinished when every stream has its terminal status, with the number of the last checkpoint sent. Log "
    "before it.",
)
async def finished_last(trial: Trial) -> None:
    for reading in await every_reading(trial):
        if reading.failure is not None and "finished" not in reading.kinds:
            continue
        times = reading.kinds.count("finished")
        expect(times == 1, f"the Read of {reading.name} sent finished {times} times; it should once")
        last = reading.received[-1].kind
        expect(last == "finished", f"the last message of the Read of {reading.name} is {last or 'empty'}, not finished")
        named = next(reading.of_kind("finished")).message.finished.last_checkpoint_seq
        due = max((checkpoint.checkpoint_seq for checkpoint in reading.checkpoints()), default=0)
        expect(
            named == due,
            f"ReadFinished of {reading.name} names {named} as the last checkpoint; the last one sent was {due}",
        )
