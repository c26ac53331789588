"""Read, what is in a batch: its number, its schema, its rows, its checksum, and how it lies on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pyarrow as pa
from towpath.connector.v1 import types_pb2

from towpath_conformance.encoding import crc32c
from towpath_conformance.readings import decoded, every_reading
from towpath_conformance.recording import ReadRecording, decode_schema
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, fail
from towpath_conformance.wire import Malformed, fields_of

_BATCH = 3
_PAYLOAD = 15


@check(
    "read.batch-seq",
    needs=[SOURCE],
    asserts="batch_seq starts at 1 and increases by one per batch, across all streams of the call.",
    why="A gap is how a broker notices that a batch was lost; checkpoints and commits name batches by this number.",
    fix="Count batches per call, not per stream, and number each one that is sent.",
)
async def batch_seq(trial: Trial) -> None:
    for reading in await every_reading(trial):
        previous = 0
        for batch in reading.batches():
            expect(
                batch.batch_seq == previous + 1,
                f"reading {reading.name}, batch_seq {batch.batch_seq} follows {previous}",
            )
            previous = batch.batch_seq


@check(
    "read.schema-before-batch",
    needs=[SOURCE],
    asserts="The schema_id of a batch was announced before it, for the same stream.",
    why="A batch holds no schema: who does not know it cannot decode the batch, and must not wait for it.",
    fix="Send SchemaAnnounce before the first batch of each stream, and again before the first one of a changed "
    "schema.",
)
async def schema_before_batch(trial: Trial) -> None:
    for reading in await every_reading(trial):
        announced: set[tuple[int, int]] = set()
        for item in reading.received:
            if item.kind == "schema":
                announced.add((item.message.schema.stream, item.message.schema.schema_id))
            elif item.kind == "batch":
                batch = item.message.batch
                expect(
                    (batch.stream, batch.schema_id) in announced,
                    f"reading {reading.name}, batch {batch.batch_seq} of stream {batch.stream} has schema_id "
                    f"{batch.schema_id}, which was not announced for this stream before",
                )


@check(
    "read.schema-ids",
    needs=[SOURCE],
    asserts="schema_id is at least 1 and increases from one SchemaAnnounce to the next, across all streams of the "
    "call.",
    why="A number that comes twice lets a batch be decoded under the wrong schema, in silence.",
    fix="Count schemas per call, not per stream, and take the next number for each one that is announced.",
)
async def schema_ids(trial: Trial) -> None:
    for reading in await every_reading(trial):
        previous = 0
        for schema in reading.schemas():
            expect(
                schema.schema_id > previous,
                f"reading {reading.name}, a schema of stream {schema.stream} has schema_id {schema.schema_id} "
                + (f"after {previous}; it should be higher" if previous else "; it should be at least 1"),
            )
            previous = schema.schema_id


@check(
    "read.schema-key",
    needs=[SOURCE],
    asserts="The primary key of an announced schema consists of columns of this schema, each named once.",
    why="A destination merges by the key; one that is not in the data cannot be looked up.",
    fix="Announce the whole key where all of its columns are selected, and none otherwise.",
)
async def schema_key(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for schema in reading.schemas():
            try:
                names = decode_schema(schema.ipc_schema).names
            except Failed:
                continue  # read.arrow-valid says so
            key = list(schema.primary_key)
            strange = [name for name in key if name not in names]
            expect(
                not strange,
                f"reading {reading.name}, the primary key {key} of schema {schema.schema_id} names {strange}, "
                f"which are none of its columns: {names}",
            )
            expect(
                len(set(key)) == len(key),
                f"reading {reading.name}, the primary key of schema {schema.schema_id} names a column twice: {key}",
            )


@check(
    "read.rows",
    needs=[SOURCE],
    asserts="Batch.rows is the number of rows in the payload, and at least 1.",
    why="Source, broker and destination count rows without decoding them, and compare their sums at each commit.",
    fix="Set `rows` from the record batch that is sent, and send none without rows.",
)
async def rows(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for batch, records in _decodable(reading):
            expect(batch.rows >= 1, f"reading {reading.name}, batch {batch.batch_seq} has no rows; send none without")
            expect(
                batch.rows == records.num_rows,
                f"reading {reading.name}, batch {batch.batch_seq} says that it has {batch.rows} rows, and holds "
                f"{records.num_rows}",
            )


@check(
    "read.crc",
    needs=[SOURCE],
    asserts="Batch.crc32c is the CRC-32C (Castagnoli) of ipc_messages.",
    why="Of damaged batches half decode without an error; the checksum is what keeps them out of the destination.",
    fix="Compute it over exactly the bytes of ipc_messages, with the Castagnoli polynomial (not that of zlib).",
)
async def crc(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for batch in reading.batches():
            due = crc32c(batch.ipc_messages)
            expect(
                batch.crc32c == due,
                f"reading {reading.name}, batch {batch.batch_seq} has the checksum {batch.crc32c:#010x}; that of its "
                f"{len(batch.ipc_messages)} bytes is {due:#010x}",
            )


@check(
    "read.arrow-valid",
    needs=[SOURCE],
    asserts="Every schema is one encapsulated Schema message; every batch is dictionaries and then exactly one record "
    "batch, decodes under its schema, and passes Arrow's full validation.",
    why="Invalid Arrow data crash whoever computes with them, far away from where they came from.",
    fix="Write batches with an Arrow library's IPC writer under the announced schema; `validate(full=True)` of pyarrow "
    "says what is wrong.",
)
async def arrow_valid(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for schema in reading.schemas():
            try:
                decode_schema(schema.ipc_schema)
            except Failed as failure:
                fail(f"reading {reading.name}, schema {schema.schema_id}: {failure}")
        for batch, found in decoded(reading):
            where = f"reading {reading.name}, batch {batch.batch_seq}"
            if isinstance(found, Failed):
                fail(f"{where}: {found}")
            try:
                found.validate(full=True)
            except pa.ArrowException as error:
                fail(f"{where} is not valid: {error}")


@check(
    "read.batch-layout",
    needs=[SOURCE],
    asserts="The fields of a Batch are serialized in the order of their numbers, each once, with the payload last.",
    why="A broker reads the numbers in front and forwards the rest untouched: at hundreds of MiB a second, a parse of "
    "each message would be most of its work.",
    fix="Most protobuf libraries do so by themselves; where fields are written by hand, write them in ascending order.",
)
async def batch_layout(trial: Trial) -> None:
    for reading in await every_reading(trial):
        for item in reading.of_kind("batch"):
            where = f"reading {reading.name}, batch {item.message.batch.batch_seq}"
            try:
                outer = list(fields_of(item.raw))
                parts = [field for field in outer if field.number == _BATCH]
                expect(len(parts) == 1, f"{where} comes in {len(parts)} pieces within one message")
                numbers = [field.number for field in fields_of(item.raw, parts[0].start, parts[0].end)]
            except Malformed as error:
                fail(f"{where} is no protobuf message: {error}")
            expect(
                all(left < right for left, right in pairwise(numbers)),
                f"{where} has its fields in the order {numbers}; they should be ascending, each once",
            )
            expect(
                not numbers or numbers[-1] <= _PAYLOAD,
                f"{where} has field {numbers[-1] if numbers else 0} after the payload, which should be the last",
            )


def _decodable(reading: ReadRecording) -> Iterator[tuple[types_pb2.Batch, pa.RecordBatch]]:
    return ((batch, found) for batch, found in decoded(reading) if not isinstance(found, Failed))
