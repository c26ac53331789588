"""Limits of size: what both sides have agreed on, rows that are larger, and statuses that get lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import grpc
from towpath.connector.v1 import connector_pb2, source_pb2, types_pb2

from towpath_conformance.calls import large_opening, opening_with
from towpath_conformance.case import changed
from towpath_conformance.delivery import Delivery, plain
from towpath_conformance.failure import Failure
from towpath_conformance.offences import opening_of
from towpath_conformance.peer import PROTOCOL_VERSION, Peer
from towpath_conformance.recording import ReadRecording, Received
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip

_KIB = 1024
_MESSAGE_LIMIT = 256 * _KIB
_BATCH_LIMIT = 64 * _KIB
_ENOUGH_BYTES = 4 * 1024 * _KIB
_STATUS_LIMIT = 4 * _KIB
_LONG = 10 * 1000


async def _agree(peer: Peer, limits: connector_pb2.Limits) -> None:
    """Agree on limits. They hold for the whole process, so the instance has to be one's own."""
    request = connector_pb2.HandshakeRequest(
        supported_versions=[PROTOCOL_VERSION], limits=limits, client_info="towpath-conformance"
    )
    _ = (await peer.handshake(request)).ok


async def _received(trial: Trial, peer: Peer, opening: source_pb2.ReadOpen) -> list[Received]:
    """Read until a few MiB have come, or everything."""
    recording, size = ReadRecording(opening), 0
    async with peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        while size < _ENOUGH_BYTES:
            raw = await call.receive(trial.case.patience.call_seconds)
            if raw is None:
                break
            size += len(raw)
            received = recording.add(raw)
            if received.kind == "finished":
                break
    return recording.received


def _openings(trial: Trial) -> Iterator[source_pb2.ReadOpen]:
    yield large_opening(trial)
    for stream in trial.source.streams:
        yield opening_with(trial, stream)


@check(
    "limit.message-size",
    needs=[SOURCE],
    process=True,
    asserts="When the Handshake has agreed on 256 KiB for a message, and on nothing smaller for a batch, no message "
    "of a Read and no page of Discover is larger.",
    why="A receiver drops what exceeds its limit, and gRPC ends the whole call for it.",
    fix="Cut batches so that the whole message fits: with its header it is some 64 bytes larger than ipc_messages. "
    "Begin a new page of the catalogue before the limit, not after it.",
)
async def message_size(trial: Trial) -> None:
    async with trial.fresh_process() as (instance, _):
        await _agree(instance.peer, connector_pb2.Limits(max_message_bytes=_MESSAGE_LIMIT))
        for opening in _openings(trial):
            for received in await _received(trial, instance.peer, opening):
                expect(
                    len(received.raw) <= _MESSAGE_LIMIT,
                    f"{_MESSAGE_LIMIT} bytes were agreed on for a message; a {received.kind} of "
                    f"{opening.streams[0].name.name} has {len(received.raw)}",
                )
        config = trial.case.config_with(trial.source.many_streams or {})
        for page in (await instance.peer.discover(config, trial.case.patience.call_seconds)).responses:
            expect(
                page.ByteSize() <= _MESSAGE_LIMIT,
                f"{_MESSAGE_LIMIT} bytes were agreed on for a message; a page of Discover has {page.ByteSize()}",
            )


@check(
    "limit.batch-size",
    needs=[SOURCE],
    process=True,
    asserts="When the Handshake has agreed on 64 KiB for a batch, no Batch.ipc_messages is larger.",
    why="The destination has agreed to no more: it may have sized its buffers by it.",
    fix="Cut batches by the size of their encoding, not by a number of rows, and halve those that come out too large.",
)
async def batch_size(trial: Trial) -> None:
    async with trial.fresh_process() as (instance, _):
        await _agree(instance.peer, connector_pb2.Limits(max_batch_bytes=_BATCH_LIMIT))
        for opening in _openings(trial):
            for received in await _received(trial, instance.peer, opening):
                size = len(received.message.batch.ipc_messages)
                expect(
                    size <= _BATCH_LIMIT,
                    f"{_BATCH_LIMIT} bytes were agreed on for a batch; batch {received.message.batch.batch_seq} of "
                    f"{opening.streams[0].name.name} has {size}",
                )


@check(
    "limit.oversize-row",
    needs=[SOURCE],
    inputs=["source.oversize"],
    process=True,
    asserts="A row that is larger than the agreed 64 KiB for a batch fails its stream: FAILED with a reason, never a "
    "batch that is too large, never a row that is left out.",
    why="A row that is skipped for its size is lost, and nobody will ever know.",
    fix="When a batch of one row is still too large, end the stream with DATA_LOSS or INVALID_ARGUMENT and say which "
    "row it is.",
)
async def oversize_row(trial: Trial) -> None:
    oversize = trial.source.oversize
    assert oversize is not None
    opening = opening_with(trial, oversize, trial.case.config_with(trial.source.oversize_set))
    async with trial.fresh_process() as (instance, _):
        await _agree(instance.peer, connector_pb2.Limits(max_batch_bytes=_BATCH_LIMIT))
        recording = ReadRecording(opening)
        async with instance.peer.read() as call:
            await call.send(source_pb2.ReadRequest(open=opening))
            await trial.follow(call, recording)
    states = {status.state for status in recording.statuses(0)}
    failed = recording.failure is not None or types_pb2.StreamStatus.STATE_FAILED in states
    if not failed and any(len(batch.ipc_messages) > _BATCH_LIMIT for batch in recording.batches()):
        skip("the row came in a batch that is larger than was agreed on, which limit.batch-size judges")
    ended = ", ".join(types_pb2.StreamStatus.State.Name(state) for state in states) or "no status"
    expect(
        failed,
        f"{oversize} has a row of more than the agreed {_BATCH_LIMIT} bytes, and its Read ends with {ended} after "
        f"{sum(batch.rows for batch in recording.batches())} rows; it should fail",
    )


@check(
    "limit.status-size",
    alone=True,
    asserts="No status is larger than 4 KiB, whatever it has to quote: neither one of this whole run, nor those of "
    "configurations and requests with very long values.",
    why="A larger status is lost on the way in about half of all cases, and with it why the job failed.",
    fix="Cut what you quote from a configuration, a name or a driver's message, and leave details out when the whole "
    "is too large: the user's message first, a stack trace never.",
)
async def status_size(trial: Trial) -> None:
    peer = await trial.peer()
    for what, config in _stretched(trial.case.config):
        answer = await peer.check(json.dumps(config), trial.case.patience.call_seconds)
        _expect_not_lost(f"Check of a configuration with {what}", answer.failure)
        for result in (result for response in answer.responses for result in response.results):
            size = result.status.ByteSize()
            expect(size <= _STATUS_LIMIT, f"with {what}, the probe {result.probe} fails with a status of {size} bytes")
    if trial.is_source:
        await _provoke_reads(trial, peer)
    if trial.is_destination:
        await _provoke_writes(trial, peer)
    largest = trial.seen.largest
    if largest is not None:
        trial.facts["largest_status_bytes"] = largest.size
        expect(
            largest.size <= _STATUS_LIMIT,
            f"a status of {largest.size} bytes came in this run, and {_STATUS_LIMIT} are allowed: "
            f"{largest.code.name} ({largest.reason}) {largest.message[:200]}",
        )


def _stretched(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the configuration with each of its texts made very long, and with fields that do not exist."""
    for path, value in _texts(config):
        yield f"10,000 characters more in {path}", changed(config, {path: value + "x" * _LONG})
    yield "a field with a very long name", {**config, "x" * _LONG: 1}
    yield "a thousand fields that do not exist", {**config, **{f"unknown field {number}": 1 for number in range(1000)}}


def _texts(inside: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in inside.items():
        if isinstance(value, str):
            yield prefix + name, value
        elif isinstance(value, Mapping):
            yield from _texts(cast("Mapping[str, Any]", value), f"{prefix}{name}.")


async def _provoke_reads(trial: Trial, peer: Peer) -> None:
    long = "x" * _LONG
    unknown_column, unknown_stream, unknown_cursor = opening_of(trial), opening_of(trial), opening_of(trial)
    unknown_column.streams[0].columns.append(long)
    unknown_stream.streams[0].name.name = long
    unknown_cursor.streams[0].cursor_column = long
    unknown_cursor.streams[0].mode = types_pb2.READ_MODE_INCREMENTAL
    many_columns = opening_of(trial)
    many_columns.streams[0].columns.extend(f"column {number}" for number in range(_LONG))
    for what, opening in (
        ("a column with a very long name", unknown_column),
        ("a stream with a very long name", unknown_stream),
        ("a cursor with a very long name", unknown_cursor),
        ("ten thousand columns that do not exist", many_columns),
    ):
        recording = ReadRecording(opening)
        async with peer.read() as call:
            await call.send(source_pb2.ReadRequest(open=opening))
            await trial.follow(call, recording)
        _expect_not_lost(f"a Read of {what}", recording.failure)
        for status in recording.statuses():
            size = status.failure.ByteSize()
            expect(size <= _STATUS_LIMIT, f"a Read of {what} fails its stream with a status of {size} bytes")


async def _provoke_writes(trial: Trial, peer: Peer) -> None:
    long = "x" * _LONG
    delivery = Delivery(trial, "status-size", [plain(trial, long)])
    answer = await delivery.prepare()
    _expect_not_lost("PrepareWrite of a stream with a very long name", answer.failure)
    opening = delivery.opening()
    opening.streams[0].mode = types_pb2.WRITE_MODE_UNSPECIFIED
    async with delivery.unopened(opening, peer=peer) as writing:
        await writing.open()
    _expect_not_lost("a Write of a stream with a very long name", writing.recording.failure)


def _expect_not_lost(what: str, failure: Failure | None) -> None:
    """A status that is too large for gRPC arrives as another one, without its details."""
    lost = failure is not None and failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED and not failure.status_bytes
    if lost and failure is not None and "metadata" in failure.message.lower():
        fail(f"{what} fails with a status that was lost on the way, because it is too large: {failure}")
