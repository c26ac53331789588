"""Requests that no platform should send: each ends its call in good time with the status that is due, and nothing else.

The calls go to the instance that everybody uses, because nobody else may notice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc
import pyarrow as pa
from google.protobuf.message import DecodeError
from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2

from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.encoding import BatchEncoder, encode_schema
from towpath_conformance.failure import Failure
from towpath_conformance.model import Row
from towpath_conformance.peer import Call, Peer, TooSlow
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail

__all__ = [
    "PROMPT_SECONDS",
    "Material",
    "Offence",
    "expect_nothing_of",
    "expect_read_refused",
    "expect_serving",
    "expect_writes_refused",
    "material",
    "opened_read",
    "opening_of",
]

PROMPT_SECONDS = 5.0
"""How long a status may take: much more than it needs, even on a busy machine, and less than anybody's patience."""

_ROWS = 20
_SPOILT_FROM = 1001


@dataclass(frozen=True)
class Offence:
    """Messages that are not allowed, after a proper open unless `opened` is False, and the status that is due.

    With no codes any failure will do.
    """

    what: str
    messages: Sequence[bytes]
    codes: Sequence[grpc.StatusCode] = (grpc.StatusCode.INVALID_ARGUMENT,)
    opened: bool = True


@dataclass(frozen=True)
class Material:
    """A write that was prepared, and its messages, to be spoilt. The first batch is of the schema with the id 1."""

    delivery: Delivery
    rows: Sequence[Row]

    @property
    def schema(self) -> bytes:
        """The announcement of the first stream's schema, serialized."""
        announce = types_pb2.SchemaAnnounce(
            stream=0, schema_id=1, ipc_schema=encode_schema(self._schema), primary_key=self.delivery.targets[0].key
        )
        return destination_pb2.WriteRequest(schema=announce).SerializeToString()

    def batch(self, batch_seq: int = 1) -> types_pb2.Batch:
        """A batch of all rows, as it should be."""
        return BatchEncoder(0, 1, self._schema).encode(batch_seq, records(self.rows))

    def request(self, batch_seq: int = 1) -> bytes:
        """The same, as it is sent."""
        return destination_pb2.WriteRequest(batch=self.batch(batch_seq)).SerializeToString()

    def open(self, epoch: int, writer: str = "writer") -> bytes:
        """The open of a writer, serialized."""
        return destination_pb2.WriteRequest(open=self.delivery.opening(epoch=epoch, writer=writer)).SerializeToString()

    @property
    def commit(self) -> bytes:
        """The first commit, which covers the first batch, serialized."""
        commit = destination_pb2.WriteCommit(commit_seq=1, up_to_batch_seq=1)
        return destination_pb2.WriteRequest(commit=commit).SerializeToString()

    @property
    def _schema(self) -> pa.Schema:
        return self.delivery.targets[0].schema


async def material(
    trial: Trial, name: str, *, streams: int = 1, config_json: str = "", prepared: bool = True
) -> Material:
    """Prepare a write for a check, with as many streams as it wants."""
    targets = [plain(trial, f"{name.replace('-', '_')}_{number}") for number in range(streams)]
    delivery = Delivery(trial, name, targets, config_json=config_json)
    if prepared:
        _ = (await delivery.prepare()).ok
    return Material(delivery, [(number, f"{name} {number}") for number in range(_SPOILT_FROM, _SPOILT_FROM + _ROWS)])


async def expect_writes_refused(
    trial: Trial, name: str, make: Callable[[Material], Sequence[Offence]], *, streams: int = 1
) -> None:
    """Send each offence in a Write of its own, a WriteCommit after it, and expect a refusal.

    Each is the next attempt of the same writer. In the end a proper attempt is expected to go well, and nothing of
    what was refused to be visible.
    """
    spoilt = await material(trial, name, streams=streams)
    peer, offences = await trial.peer(), make(spoilt)
    for epoch, offence in enumerate(offences, 1):
        async with peer.write() as call:
            if offence.opened:
                await call.send(spoilt.open(epoch))
                await _expect_opened(
                    trial, call, "a Write" if epoch == 1 else f"after {offences[epoch - 2].what}, a Write"
                )
            committed, failure = await _end_of_write(call, [*offence.messages, spoilt.commit], offence.what)
        expect(not committed, f"{offence.what}: the commit after it is answered as if nothing were wrong")
        _expect_status(offence, failure)
    await expect_serving(peer, offences[-1].what)
    await _expect_untouched(spoilt, len(offences) + 1)


async def expect_read_refused(trial: Trial, offence: Offence, opening: source_pb2.ReadOpen | None = None) -> None:
    """Send an offence in a Read and expect a refusal, and that the next Read is opened."""
    peer = await trial.peer()
    opening = opening or opening_of(trial)
    async with peer.read() as call:
        if offence.opened:
            await call.send(source_pb2.ReadRequest(open=opening))
            await _expect_opened(trial, call, "a Read")
        await _send(call, offence.messages, offence.what)
        failure = await _end(call, offence.what)
    _expect_status(offence, failure)
    await expect_serving(peer, offence.what)
    async with peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening_of(trial)))
        await _expect_opened(trial, call, f"after {offence.what}, a Read")


def opening_of(trial: Trial) -> source_pb2.ReadOpen:
    """The open of the case file's first stream."""
    return source_pb2.ReadOpen(config_json=trial.case.config_json, streams=[trial.source.streams[0].wire()], attempt=1)


async def opened_read(trial: Trial, call: Call, opening: source_pb2.ReadOpen) -> None:
    """Open a Read and wait for ReadOpened. Fails the check when it is refused."""
    await call.send(source_pb2.ReadRequest(open=opening))
    await _expect_opened(trial, call, "a Read")


async def expect_serving(peer: Peer, what: str) -> None:
    """Expect the connector to be there still; what it says of its health is for another check."""
    answer = await peer.health(PROMPT_SECONDS)
    expect(answer.failure is None, f"after {what}, the connector does not answer for its health: {answer.failure}")


async def _expect_opened(trial: Trial, call: Call, what: str) -> None:
    while (raw := await call.receive(trial.case.patience.call_seconds)) is not None:
        # A log may come before; both responses have the number 6 for it, and 1 for what is waited for.
        if _kind(raw) != "log":
            return
    fail(f"{what} should be opened, and ended with {call.failure or 'OK'}")


async def _end_of_write(call: Call, messages: Sequence[bytes], what: str) -> tuple[bool, Failure | None]:
    await _send(call, messages, what)
    committed, deadline = False, time.monotonic() + PROMPT_SECONDS
    try:
        while (raw := await call.receive(max(0.0, deadline - time.monotonic()))) is not None:
            if _kind(raw) == "committed":
                return True, None
    except TooSlow:
        fail(_hangs(what))
    return committed, call.failure


async def _end(call: Call, what: str) -> Failure | None:
    try:
        return await call.ending(PROMPT_SECONDS)
    except TooSlow:
        fail(_hangs(what))


async def _send(call: Call, messages: Sequence[bytes], what: str) -> None:
    for message in messages:
        try:
            sent = await asyncio.wait_for(call.send(message), PROMPT_SECONDS)
        except TimeoutError:
            fail(_hangs(what))
        if not sent:
            return


def _hangs(what: str) -> str:
    return f"{what}: no status came within {PROMPT_SECONDS:g} s; the call should end at once"


def _expect_status(offence: Offence, failure: Failure | None) -> None:
    due = " or ".join(code.name for code in offence.codes) or "a failure"
    expect(failure is not None, f"{offence.what}: the call ends with OK; {due} is due")
    assert failure is not None
    expect(
        not offence.codes or failure.code in offence.codes,
        f"{offence.what}: {due} is due, and the call ends with {failure}",
    )


async def _expect_untouched(spoilt: Material, epoch: int) -> None:
    """The next attempt goes well, and of the rows that were refused none is visible."""
    delivery = spoilt.delivery
    good = [(number, f"good {number}") for number in range(1, 6)]
    async with delivery.writer(epoch=epoch) as writing:
        await writing.send(records(good))
        receipt = await writing.commit()
        await writing.finish()
    _ = (await delivery.complete([receipt])).ok
    expect_nothing_of(spoilt.rows, await delivery.visible(), "a refused batch")


def expect_nothing_of(spoilt: Sequence[Row], seen: Sequence[Row], whose: str) -> None:
    """Expect no row of these to be visible, by their ids."""
    ids = {row[0] for row in spoilt}
    found = [row for row in seen if row[0] in ids]
    expect(not found, f"{len(found)} rows of {whose} are visible, such as {found[:1]}; none should be")


def _kind(raw: bytes) -> str:
    try:
        return destination_pb2.WriteResponse.FromString(raw).WhichOneof("message") or ""
    except DecodeError:
        return ""
