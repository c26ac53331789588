"""Read, what is asked for: streams, columns and modes, and those that there are not."""

from __future__ import annotations

from typing import cast

import grpc
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.readings import every_reading, exact_rows, golden, missing, read_from, row_text
from towpath_conformance.recording import ReadRecording, decode_schema, stream_text
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail, skip


@check(
    "read.selected-streams",
    needs=[SOURCE],
    asserts="Every schema, batch, checkpoint and status is about a stream of the open, by its index there.",
    why="The index is all that a batch says of its stream; the destination writes to the stream of the same index.",
    fix="Number streams as ReadOpen lists them, from 0.",
)
async def selected_streams(trial: Trial) -> None:
    for reading in await every_reading(trial):
        count = len(reading.opening.streams)
        for item in reading.received:
            message = item.message
            indexes = {
                "schema": message.schema.stream,
                "batch": message.batch.stream,
                "checkpoint": message.checkpoint.stream,
                "status": message.status.stream,
            }
            index = indexes.get(item.kind, 0)
            expect(
                index < count,
                f"a {item.kind} of the Read of {reading.name} is about stream {index}; the open has {count}, from 0",
            )


@check(
    "read.selected-columns",
    needs=[SOURCE],
    asserts="With `columns`, exactly these are emitted, in this order, with the values that they have without.",
    why="Columns are left out because they are secret, large or of no use; who selects them relies on it.",
    fix="Select by name, in the order of ReadStream.columns, in the announced schema and in every batch.",
)
async def selected_columns(trial: Trial) -> None:
    judged = False
    for stream in trial.source.streams:
        names = _names(await trial.reading(stream))
        if not names:
            continue
        chosen = list(reversed(names))[: max(1, len(names) - 1)]
        reading = await read_from(trial, source_pb2.ReadOpen(streams=[stream.wire(columns=chosen)], attempt=1))
        if reading.refusal is not None:
            fail(f"reading the columns {chosen} of {stream} failed: {reading.refusal}")
        seen = _names(reading)
        expect(seen == chosen, f"reading the columns {chosen} of {stream}, the schema has {seen}")
        await _expect_values(trial, stream, reading, [names.index(name) for name in chosen])
        judged = True
    if not judged:
        skip("no stream has a schema, which read.schema-before-batch judges")


def _names(reading: ReadRecording) -> list[str]:
    for schema in reading.schemas(0):
        try:
            return decode_schema(schema.ipc_schema).names
        except Failed:
            continue  # read.arrow-valid says so
    return []


async def _expect_values(trial: Trial, stream: StreamCase, reading: ReadRecording, places: list[int]) -> None:
    try:
        seen = [row for records in reading.records() for row in exact_rows(records)]
    except (Failed, UnicodeDecodeError):
        return  # read.arrow-valid says so
    due = [tuple(row[place] for place in places) for row in await golden(trial, stream)]
    lost, strange = missing(due, seen), missing(seen, due)
    expect(
        not lost and not strange,
        f"with columns selected, the rows of {stream} are others: {len(lost)} are missing and {len(strange)} are new"
        + (f", such as {row_text((lost or strange)[0])}" if lost or strange else ""),
    )


@check(
    "read.unknown-column",
    needs=[SOURCE],
    asserts="A column that the stream does not have is INVALID_ARGUMENT, and the failure names it.",
    why="A column that is left out in silence is missed much later, by somebody who reads the data.",
    fix="Compare ReadStream.columns with the columns of the stream before reading; fail the stream naming the strange "
    "one.",
)
async def unknown_column(trial: Trial) -> None:
    stream, unknown = trial.source.streams[0], f"no such column {trial.run}"
    for columns in ([*_names(await trial.reading(stream))[:1], unknown], [unknown]):
        opening = source_pb2.ReadOpen(streams=[stream.wire(columns=columns)], attempt=1)
        _expect_refused(await read_from(trial, opening), f"the column {unknown!r}", "INVALID_ARGUMENT", unknown)


@check(
    "read.unknown-stream",
    needs=[SOURCE],
    asserts="A stream that there is not is NOT_FOUND, and the failure names it.",
    why="A table that was dropped or renamed is for the user to mend: they have to be told which one, and that a retry "
    "does not help.",
    fix="Look the stream up before reading; fail with NOT_FOUND and its name. No stream is no empty stream.",
)
async def unknown_stream(trial: Trial) -> None:
    wire, unknown = trial.source.streams[0].wire(columns=[]), f"no_such_stream_{trial.run}"
    wire.name.name = unknown
    reading = await read_from(trial, source_pb2.ReadOpen(streams=[wire], attempt=1))
    _expect_refused(reading, f"the stream {stream_text(wire.name)}", "NOT_FOUND", unknown)


@check(
    "read.unknown-mode",
    needs=[SOURCE],
    asserts="A read mode that is not set, or that the stream is not discovered with, is INVALID_ARGUMENT.",
    why="Rows that were read in another mode than wanted are the wrong rows: all of them instead of the new ones, say.",
    fix="Accept the modes that the stream is discovered with, and refuse every other number.",
)
async def unknown_mode(trial: Trial) -> None:
    stream = trial.source.streams[0]
    pages = (await (await trial.peer()).discover(trial.case.config_json, trial.case.patience.call_seconds)).responses
    offered = {m for page in pages for one in page.streams if one.name == stream.stream_name for m in one.read_modes}
    not_offered = set(types_pb2.ReadMode.values()) - offered if offered else set[types_pb2.ReadMode]()
    for mode in sorted({types_pb2.READ_MODE_UNSPECIFIED, *not_offered}):
        wire = stream.wire()
        wire.mode = cast("types_pb2.ReadMode", mode)
        reading = await read_from(trial, source_pb2.ReadOpen(streams=[wire], attempt=1))
        name = types_pb2.ReadMode.Name(wire.mode)
        _expect_refused(reading, f"the read mode {name} of {stream}", "INVALID_ARGUMENT")


def _expect_refused(reading: ReadRecording, what: str, code: str, naming: str = "") -> None:
    refusal = reading.refusal
    if refusal is None:
        rows = sum(batch.rows for batch in reading.batches())
        fail(f"a Read with {what} goes well, with {rows} rows; it should fail with {code}")
    expect(
        refusal.code is getattr(grpc.StatusCode, code),
        f"a Read with {what} fails with {refusal.code.name}; it should be {code}: {refusal}",
    )
    expect(naming in refusal.text, f"the failure of a Read with {what} does not name it: {refusal}")
