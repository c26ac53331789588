"""Read, streams that are not like the others: several at once, empty ones, failing ones, and those that change."""

from __future__ import annotations

from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.actions import act
from towpath_conformance.case import Mode, StreamCase
from towpath_conformance.failure import failure_of_status
from towpath_conformance.readings import (
    distinct,
    failing,
    golden,
    missing,
    read_from,
    row_text,
    rows_in,
    several,
)
from towpath_conformance.recording import TERMINAL, ReadRecording, decode_schema
from towpath_conformance.registry import REPLAY, SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip

_Status = types_pb2.StreamStatus


@check(
    "read.two-streams",
    needs=[SOURCE],
    asserts="Several streams in one Read bring each the rows that it has when it is read alone, under its own index.",
    why="Streams share a call where they share a connection or a log; a row that goes to the wrong one is lost in one "
    "table and wrong in the other.",
    fix="Set `stream` of every schema, batch, checkpoint and status to the index of its stream in ReadOpen.",
)
async def two_streams(trial: Trial) -> None:
    streams = distinct(trial.source.streams)
    if len(streams) == 1:
        skip("the case file gives one stream only; add another one to `source.streams`")
    reading = await several(trial)
    expect(reading.failure is None or "finished" in reading.kinds, f"reading {reading.name} failed: {reading.failure}")
    for index, stream in enumerate(streams):
        alone, together = await golden(trial, stream), rows_in(reading, index)
        lost, strange = missing(alone, together), missing(together, alone)
        expect(
            not lost and not strange,
            f"stream {index} of the Read of {reading.name} lacks {len(lost)} rows that {stream} has when it is read "
            f"alone, and has {len(strange)} that it has not"
            + (f", such as {row_text((strange or lost)[0])}" if lost or strange else ""),
        )


@check(
    "read.empty-stream",
    needs=[SOURCE],
    inputs=["source.empty"],
    asserts="A stream without rows announces its schema, sends no batch, and is COMPLETE.",
    why="An empty table is a table: the destination creates it from the schema, and empties the one that is there.",
    fix="Announce the schema before the first row is looked for, and end with COMPLETE when there is none.",
)
async def empty_stream(trial: Trial) -> None:
    stream = trial.source.empty
    assert stream is not None
    reading = await trial.reading(stream)
    expect(reading.failure is None, f"reading the empty stream {stream} failed: {reading.failure}")
    rows = sum(batch.rows for batch in reading.batches())
    expect(rows == 0, f"{stream} is no empty stream: it has {rows} rows; name another one in `source.empty`")
    expect(reading.schemas(0), f"the empty stream {stream} announces no schema")
    ends = [_Status.State.Name(status.state) for status in reading.statuses(0) if status.state in TERMINAL]
    expect(set(ends) <= {"STATE_COMPLETE"}, f"the empty stream {stream} ends as {ends}, not as STATE_COMPLETE")


@check(
    "read.failing-stream",
    needs=[SOURCE],
    inputs=["source.failing"],
    asserts="A stream that fails is FAILED, with a reason (ErrorInfo) and whose problem it is (FailureInfo); the other "
    "streams of the call are COMPLETE, and the call goes well.",
    why="One table without permission must not keep a hundred others from being read.",
    fix="Catch what goes wrong with one stream, send its status with the failure, and go on with the next one.",
)
async def failing_stream(trial: Trial) -> None:
    reading = await failing(trial)
    streams = distinct([stream for stream in [trial.source.failing, *trial.source.streams] if stream is not None])
    expect(reading.failure is None or "finished" in reading.kinds, f"the call fails as a whole: {reading.failure}")
    failed = [status for status in reading.statuses(0) if status.state == _Status.STATE_FAILED]
    expect(failed, f"{streams[0]} should fail, and has no STATE_FAILED among its statuses")
    failure = failure_of_status(failed[0].failure)
    expect(failed[0].failure.code, f"the failure of {streams[0]} has no code")
    expect(failure.reason and failure.domain, f"the failure of {streams[0]} has no ErrorInfo with reason and domain")
    expect(failure.has_info, f"the failure of {streams[0]} has no FailureInfo: {failure}")
    for index, stream in enumerate(streams[1:], 1):
        ends = [_Status.State.Name(status.state) for status in reading.statuses(index) if status.state in TERMINAL]
        expect(
            set(ends) <= {"STATE_COMPLETE"},
            f"{stream} is {ends} because {streams[0]} fails; it should be STATE_COMPLETE",
        )


@check(
    "read.schema-change",
    needs=[SOURCE],
    changes=True,
    asserts="A schema that changes is announced anew: in the middle of a Read under a new schema_id, under which the "
    "rows that follow decode; between two Reads in the second one, which goes on from the state of the first.",
    why="Tables change while they are read, for years; whoever stops at each change is called at night.",
    fix="Compare the schema of what you are about to send with the announced one, and announce it when it differs. "
    "Never use a schema_id for two schemas. Let a state say where to go on, and nothing of columns.",
)
async def schema_change(trial: Trial) -> None:
    source = trial.source
    if source.schema_change is None and source.alter is None:
        skip("the case file gives neither `source.schema_change` nor `source.alter`")
    if source.schema_change is not None:
        await _changes_by_itself(trial, source.schema_change)
    if source.alter is not None:
        await _is_altered(trial, source.streams[0])


async def _changes_by_itself(trial: Trial, stream: StreamCase) -> None:
    config_json = trial.case.config_with(trial.source.schema_change_set)
    reading = await trial.read(stream.wire(), config_json=config_json)
    if reading.refusal is not None:
        fail(f"reading {stream}, whose schema changes, failed: {reading.refusal}")
    schemas = reading.schemas(0)
    expect(
        len({schema.ipc_schema for schema in schemas}) > 1,
        f"the schema of {stream} should change, and {len(schemas)} was announced",
    )
    ids = [schema.schema_id for schema in schemas]
    expect(len(set(ids)) == len(ids), f"reading {stream}, whose schema changes, a schema_id is used twice: {ids}")
    used = {batch.schema_id for batch in reading.batches(0)}
    expect(len(used) > 1, f"reading {stream}, every batch has the schema_id {used}; those after the change have none")
    try:
        reading.records()
    except Failed as failure:
        fail(f"reading {stream}, whose schema changes: {failure}")


async def _is_altered(trial: Trial, stream: StreamCase) -> None:
    before = await trial.read(stream.wire(columns=[]))
    old = set(_columns(before))
    same = [s for s in trial.source.streams if s.stream_name == stream.stream_name and s.mode is not Mode.SNAPSHOT]
    states = [(s, c) for s in same for c in (await trial.reading(s)).checkpoints()[-1:] if c.state]
    assert trial.source.alter is not None
    await act(trial.source.alter, trial.case.config, trial.case.folder)
    after = await trial.read(stream.wire(columns=[]))
    if after.refusal is not None:
        fail(f"reading {stream} after `source.alter` failed: {after.refusal}")
    expect(
        set(_columns(after)) > old,
        f"after `source.alter` the schema of {stream} has {_columns(after)}; it should have more than {sorted(old)}",
    )
    for altered, last in states:
        opening = source_pb2.ReadOpen(streams=[altered.wire(last.state, last.state_version)], attempt=2)
        refusal = (await read_from(trial, opening)).refusal
        expect(refusal is None, f"after `source.alter`, {altered} does not go on from its last state: {refusal}")


def _columns(reading: ReadRecording) -> list[str]:
    schemas = reading.schemas(0)
    if not schemas:
        skip(f"{reading.name} has no schema, which read.schema-before-batch judges")
    return decode_schema(schemas[-1].ipc_schema).names


@check(
    "read.repeatable",
    needs=[SOURCE, REPLAY],
    asserts="A source that declares deterministic_replay emits the same rows in the same order each time.",
    why="The platform replays what was not committed, and tells what it has by position.",
    fix="Order what you read by something that does not change, or do not declare deterministic_replay.",
)
async def repeatable(trial: Trial) -> None:
    for stream in trial.source.streams:
        first = await golden(trial, stream)
        again = await read_from(trial, source_pb2.ReadOpen(streams=[stream.wire()], attempt=2))
        if again.refusal is not None:
            fail(f"reading {stream} a second time failed: {again.refusal}")
        second = rows_in(again)
        expect(
            len(first) == len(second),
            f"{stream} has {len(first)} rows, and {len(second)} when it is read a second time",
        )
        differs = next(
            (place for place, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]), None
        )
        if differs is not None:
            fail(
                f"row {differs} of {stream} is {row_text(first[differs])}, and {row_text(second[differs])} when it is "
                "read a second time"
            )
