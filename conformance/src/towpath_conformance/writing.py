"""A Write as a broker drives it, taken down as it goes, for checks to judge.

Like a recording of a Read, it verifies nothing: what the destination answers is kept as it came, and waiting for an
answer is content with one of the right kind, so that each check judges its own rule and no other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from google.protobuf.message import DecodeError
from towpath.connector.v1 import destination_pb2, types_pb2

from towpath_conformance.encoding import BatchEncoder, encode_schema
from towpath_conformance.failure import Failure, failure_of_status
from towpath_conformance.peer import Call
from towpath_conformance.recording import TERMINAL
from towpath_conformance.verdicts import Failed, skip

__all__ = ["Answered", "Committing", "WriteRecording", "Writing"]


@dataclass(frozen=True)
class Answered:
    """One message of the destination as it came; `after_half_close` tells whether the judge had half-closed before."""

    index: int
    at: float
    raw: bytes
    message: destination_pb2.WriteResponse
    after_half_close: bool

    @property
    def kind(self) -> str:
        """Name of the message's kind; empty for one that holds none, or is no protobuf."""
        return self.message.WhichOneof("message") or ""


@dataclass
class Committing:
    """One WriteCommit that was sent: its number, the rows that it covers per stream, and the answer taken for it."""

    commit_seq: int
    rows: Mapping[int, int]
    answer: destination_pb2.WriteCommitted | None = None


@dataclass
class WriteRecording:
    """One Write, from its open to its end."""

    opening: destination_pb2.WriteOpen
    received: list[Answered] = field(default_factory=list[Answered])
    commits: list[Committing] = field(default_factory=list[Committing])
    failure: Failure | None = None
    """What the RPC ended with; None when it went well or was left early."""
    ended: bool = False

    @property
    def kinds(self) -> list[str]:
        """Kinds of all messages but logs, in order."""
        return [item.kind for item in self.received if item.kind != "log"]

    def of_kind(self, kind: str) -> Iterator[Answered]:
        """Messages of one kind, in order."""
        return (item for item in self.received if item.kind == kind)

    def committed(self) -> list[destination_pb2.WriteCommitted]:
        """Every WriteCommitted, in order."""
        return [item.message.committed for item in self.of_kind("committed")]

    def rejected(self) -> list[destination_pb2.RejectedRows]:
        """Every RejectedRows, in order."""
        return [item.message.rejected for item in self.of_kind("rejected")]

    def statuses(self, stream: int) -> list[types_pb2.StreamStatus]:
        """Terminal statuses of one stream, in order."""
        found = [item.message.status for item in self.of_kind("status")]
        return [status for status in found if status.stream == stream and status.state in TERMINAL]

    @property
    def refusal(self) -> Failure | None:
        """How it failed: as a whole, or one of its streams."""
        if self.failure is not None:
            return self.failure
        for item in self.of_kind("status"):
            if item.message.status.state == types_pb2.StreamStatus.STATE_FAILED:
                return failure_of_status(item.message.status.failure)
        return None

    @property
    def receipts(self) -> list[bytes]:
        """Receipts of the commits that were answered, oldest first."""
        return [commit.answer.receipt for commit in self.commits if commit.answer is not None]


class Writing:
    """An open Write. `seconds` is how long to wait for any one answer."""

    def __init__(self, call: Call, opening: destination_pb2.WriteOpen, seconds: float) -> None:
        self.recording = WriteRecording(opening)
        self.batch_seq = 0
        self.schema_id = 0
        self.commit_seq = opening.resume_after_commit_seq
        self._call = call
        self._seconds = seconds
        self._encoders: dict[int, list[tuple[pa.Schema, BatchEncoder]]] = {}
        self._uncommitted = Counter[int]()
        self._half_closed = False
        self._taken: set[int] = set()

    async def open(self) -> bool:
        """Send the open and wait for the first answer; False when the destination refused."""
        await self._call.send(destination_pb2.WriteRequest(open=self.recording.opening))
        while (answered := await self.receive()) is not None:
            if answered.kind != "log":
                return True
        return False

    async def send(
        self, records: pa.RecordBatch, stream: int = 0, *, key: tuple[str, ...] = (), anew: bool = False
    ) -> bool:
        """Send a batch, with its schema before it when that was not announced yet, or `anew`.

        False when the call has ended.
        """
        known = self._encoders.setdefault(stream, [])
        encoder = next((encoder for schema, encoder in known if schema.equals(records.schema)), None)
        if encoder is None or anew:
            self.schema_id += 1
            encoder = BatchEncoder(stream, self.schema_id, records.schema)
            known.insert(0, (records.schema, encoder))
            announce = types_pb2.SchemaAnnounce(
                stream=stream, schema_id=self.schema_id, ipc_schema=encode_schema(records.schema), primary_key=key
            )
            if not await self._call.send(destination_pb2.WriteRequest(schema=announce)):
                return False
        self.batch_seq += 1
        self._uncommitted[stream] += records.num_rows
        return await self._call.send(destination_pb2.WriteRequest(batch=encoder.encode(self.batch_seq, records)))

    async def send_commit(self, commit_seq: int | None = None) -> Committing:
        """Send a WriteCommit, by default with the next number; wait for nothing."""
        if commit_seq is None:
            self.commit_seq += 1
            commit_seq = self.commit_seq
        committing = Committing(commit_seq, dict(self._uncommitted))
        self._uncommitted.clear()
        self.recording.commits.append(committing)
        commit = destination_pb2.WriteCommit(commit_seq=commit_seq, up_to_batch_seq=self.batch_seq)
        await self._call.send(destination_pb2.WriteRequest(commit=commit))
        return committing

    async def commit(self) -> bytes:
        """Send the next WriteCommit, wait for its answer and return the receipt.

        Fails the check when the Write fails instead.
        """
        committing = await self.send_commit()
        await self.answer_to(committing)
        if committing.answer is None:
            refusal = self.recording.refusal
            if refusal is None:
                skip("the Write ended without an answer to a WriteCommit, which write.commit-answered judges")
            raise Failed(f"the Write failed instead of answering commit {committing.commit_seq}: {refusal}")
        return committing.answer.receipt

    async def answer_to(self, committing: Committing) -> destination_pb2.WriteCommitted | None:
        """Wait for a WriteCommitted with a number that no earlier commit was answered with; None at the end.

        Numbers and order are left to the check of the rule: a repeated answer is passed over.
        """
        while not self.recording.ended:
            answered = await self.receive()
            if answered is None:
                return None
            if answered.kind == "committed" and answered.message.committed.commit_seq not in self._taken:
                committing.answer = answered.message.committed
                self._taken.add(committing.answer.commit_seq)
                return committing.answer
            failed = answered.kind == "status" and answered.message.status.state == types_pb2.StreamStatus.STATE_FAILED
            if failed and len(self.recording.opening.streams) == 1:
                return None
        return None

    async def finish(self) -> WriteRecording:
        """Half-close and take down everything until the end."""
        await self.half_close()
        return await self.rest()

    async def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self._half_closed = True
        await self._call.half_close()

    async def rest(self) -> WriteRecording:
        """Take down everything until the end."""
        while await self.receive() is not None:
            pass
        return self.recording

    async def receive(self) -> Answered | None:
        """Take down the next message; None at the end."""
        raw = await self._call.receive(self._seconds)
        if raw is None:
            self.recording.failure, self.recording.ended = self._call.failure, True
            return None
        try:
            message = destination_pb2.WriteResponse.FromString(raw)
        except DecodeError:
            message = destination_pb2.WriteResponse()
        answered = Answered(len(self.recording.received), time.monotonic(), raw, message, self._half_closed)
        self.recording.received.append(answered)
        return answered

    def cancel(self) -> None:
        """Cancel, as a broker that goes away does."""
        self._call.cancel()
