"""The reads that many checks look at, each made once, and the rows that came out of them.

What one check judges is none of the others' business: rows of a read that failed, or of batches that cannot be decoded,
are a reason to skip for whoever needs them to compare with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.exchange import current_exchange
from towpath_conformance.peer import Peer, TooSlow
from towpath_conformance.recording import ReadRecording, Received, decode_batch
from towpath_conformance.registry import ACKS
from towpath_conformance.trial import Trial
from towpath_conformance.values import exact
from towpath_conformance.verdicts import Failed, skip

__all__ = [
    "Row",
    "covered",
    "decoded",
    "distinct",
    "every_reading",
    "exact_rows",
    "failing",
    "golden",
    "missing",
    "read_from",
    "resumable",
    "row_text",
    "rows_by_batch",
    "rows_in",
    "several",
    "unacknowledged",
]

Row: TypeAlias = "tuple[object, ...]"
"""Values in the order of the columns, in the form of `values.exact`: equal means identical."""

_STREAMS_AT_ONCE = 4
_SHOWN = 160


async def every_reading(trial: Trial) -> Sequence[ReadRecording]:
    """All recordings of reads that go as they should: for the rules that hold for each of them."""
    source = trial.source
    found = list(await trial.readings())
    if len(distinct(source.streams)) > 1:
        found.append(await several(trial))
    if source.empty is not None:
        found.append(await trial.reading(source.empty))
    if source.failing is not None:
        found.append(await failing(trial))
    if source.type_matrix is not None:
        found.append(await trial.reading(source.type_matrix.stream))
    return found


def distinct(streams: Iterable[StreamCase]) -> list[StreamCase]:
    """The first few streams of different names, for one call."""
    named: dict[str, StreamCase] = {}
    for stream in streams:
        named.setdefault(stream.stream_name.SerializeToString(deterministic=True).hex(), stream)
    return list(named.values())[:_STREAMS_AT_ONCE]


async def several(trial: Trial) -> ReadRecording:
    """The recording of several streams in one call."""
    streams = distinct(trial.source.streams)
    return await trial.once("read several", lambda: trial.read(*(stream.wire() for stream in streams)))


async def failing(trial: Trial) -> ReadRecording:
    """The recording of the stream that fails, with others after it in the same call."""
    source = trial.source
    assert source.failing is not None
    streams = distinct([source.failing, *source.streams])
    config_json = trial.case.config_with(source.failing_set)
    return await trial.once(
        "read failing", lambda: trial.read(*(stream.wire() for stream in streams), config_json=config_json)
    )


async def unacknowledged(trial: Trial, stream: StreamCase) -> ReadRecording:
    """The recording of one stream of which nothing was acknowledged; it is not `ended` when it came to a halt."""
    return await trial.once(f"read without acknowledging {stream!r}", lambda: _unacknowledged(trial, stream))


async def read_from(
    trial: Trial, opening: source_pb2.ReadOpen, *, peer: Peer | None = None, acknowledge: bool = True
) -> ReadRecording:
    """Read what `opening` says to the end and take it down; the configuration is the valid one unless it names one."""
    opening.config_json = opening.config_json or trial.case.config_json
    recording = ReadRecording(opening)
    async with (peer or await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        await trial.follow(call, recording, acknowledge=acknowledge)
    return recording


async def _unacknowledged(trial: Trial, stream: StreamCase) -> ReadRecording:
    opening = source_pb2.ReadOpen(config_json=trial.case.config_json, streams=[stream.wire()], attempt=1)
    recording = ReadRecording(opening)
    async with (await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        try:
            await trial.follow(call, recording, acknowledge=False)
        except TooSlow:
            recording.exchange = current_exchange()
    return recording


async def resumable(trial: Trial, stream: StreamCase) -> ReadRecording:
    """The recording whose checkpoints are resumed from: what was acknowledged may be gone upstream."""
    acked = not ACKS.declared(trial.spec)
    recording = await trial.reading(stream) if acked else await unacknowledged(trial, stream)
    _skip_unless_whole(recording)
    return recording


async def golden(trial: Trial, stream: StreamCase) -> Sequence[Row]:
    """The rows of one stream, read alone from the start to the end. Skips the check when that does not go well."""
    recording = await trial.reading(stream)
    _skip_unless_whole(recording)
    return rows_in(recording)


def _skip_unless_whole(recording: ReadRecording) -> None:
    failed = any(s.state == types_pb2.StreamStatus.STATE_FAILED for s in recording.statuses())
    if failed or "finished" not in recording.kinds:
        skip(f"{recording.name} cannot be read from the start to the end, which read.completes judges")


def decoded(reading: ReadRecording) -> Iterator[tuple[types_pb2.Batch, pa.RecordBatch | Failed]]:
    """Decode every batch whose schema was announced, if only for another stream; a failure for what cannot be."""
    schemas = {schema.schema_id: schema.ipc_schema for schema in reading.schemas()}
    schemas_of = {(schema.stream, schema.schema_id): schema.ipc_schema for schema in reading.schemas()}
    dictionaries: dict[tuple[int, int], list[bytes]] = {}
    for batch in reading.batches():
        key = (batch.stream, batch.schema_id)
        ipc_schema = schemas_of.get(key) or schemas.get(batch.schema_id)
        if ipc_schema is None:
            continue  # read.schema-before-batch says so
        try:
            yield batch, decode_batch(ipc_schema, batch.ipc_messages, dictionaries.setdefault(key, []))
        except Failed as failure:
            yield batch, failure


def rows_in(recording: ReadRecording, stream: int = 0) -> list[Row]:
    """The rows of one stream in the order in which they came. Skips the check when they cannot be decoded."""
    return [row for rows in rows_by_batch(recording, stream) for row in rows]


def rows_by_batch(recording: ReadRecording, stream: int = 0) -> list[list[Row]]:
    """The rows of each batch of one stream. Skips the check when they cannot be decoded."""
    try:
        return [exact_rows(records) for records in recording.records(stream)]
    except (Failed, UnicodeDecodeError, pa.ArrowException) as error:
        skip(f"the batches of {recording.name} cannot be decoded, which read.arrow-valid judges: {error}")


def exact_rows(records: pa.RecordBatch) -> list[Row]:
    """Rows as tuples, in which equal means identical."""
    columns = [exact(records.column(index)) for index in range(records.num_columns)]
    return list(zip(*columns, strict=True)) if columns else [()] * records.num_rows


def covered(recording: ReadRecording, checkpoint: Received) -> int:
    """How many batches of its stream a checkpoint covers; those that came after it are not counted, whatever it says.

    For one of shared state: how many of all streams.
    """
    scope = checkpoint.message.checkpoint
    return sum(
        item.index < checkpoint.index
        and item.message.batch.batch_seq <= scope.up_to_batch_seq
        and (not scope.HasField("stream") or item.message.batch.stream == scope.stream)
        for item in recording.of_kind("batch")
    )


def missing(expected: Iterable[Row], seen: Iterable[Row]) -> list[Row]:
    """What is expected and not seen, as often as it lacks."""
    return list((Counter(expected) - Counter(seen)).elements())


def row_text(row: Row) -> str:
    """A row for people, cut where it is long."""
    text = repr(row)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
