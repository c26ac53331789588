"""The order of one Write's requests, checked on the loop: a violation is answered while the author's thread works."""

from __future__ import annotations

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError
from towpath.connector.v1 import destination_pb2, types_pb2

from towpath_sdk._wire.batches import BatchDecoder
from towpath_sdk.errors import BadRecord, Bug, Misconfigured, TowpathError
from towpath_sdk.framing import BatchHeader, Frame, WriteKind, peek

__all__ = ["Announced", "Arrived", "Commit", "WriteLedger", "frame_of", "parsed", "violation"]


@dataclass(frozen=True)
class Announced:
    """A schema of one stream, and the decoder of its batches."""

    stream: int
    decoder: BatchDecoder
    primary_key: tuple[str, ...]


@dataclass(frozen=True)
class Arrived:
    """A batch that is in order; not yet verified or decoded."""

    message: bytes
    header: BatchHeader
    schema: Announced


@dataclass(frozen=True)
class Commit:
    """A commit that is in order: it covers everything before it."""

    commit_seq: int


@dataclass
class WriteLedger:
    """What has come so far. `commit_seq` begins at resume_after_commit_seq."""

    streams: int
    commit_seq: int
    batch_seq: int = 0
    schema_id: int = 0
    uncommitted: set[int] = field(default_factory=set[int])
    _schemas: dict[int, Announced] = field(default_factory=dict[int, Announced])

    def accept(self, message: bytes) -> Arrived | Commit | None:
        """Judge one request after the open; None when there is nothing to do for the author.

        Raises Misconfigured for a violation of the protocol, BadRecord when batches are missing.
        """
        frame = frame_of(message)
        if frame.batch is not None:
            return self._batch(message, frame.batch)
        if frame.kind == WriteKind.SCHEMA:
            return self._schema(parsed(message).schema)
        if frame.kind == WriteKind.COMMIT:
            return self._commit(parsed(message).commit)
        if frame.kind == WriteKind.OPEN:
            raise violation("a Write is opened once")
        raise violation("a message of a Write is one of open, schema, batch, commit")

    def _schema(self, announce: types_pb2.SchemaAnnounce) -> None:
        self._check_stream(announce.stream, "schema.stream")
        if announce.schema_id <= self.schema_id:
            raise violation(
                f"schema_id {announce.schema_id} does not follow {self.schema_id}: ids increase and are never reused"
            )
        try:
            decoder = BatchDecoder(announce.ipc_schema)
        except TowpathError as error:
            raise violation(error.message) from error
        self.schema_id = announce.schema_id
        self._schemas[announce.schema_id] = Announced(announce.stream, decoder, tuple(announce.primary_key))

    def _batch(self, message: bytes, header: BatchHeader) -> Arrived:
        self._check_stream(header.stream, "batch.stream")
        schema = self._schemas.get(header.schema_id)
        if schema is None or schema.stream != header.stream:
            raise violation(f"schema {header.schema_id} was not announced for stream {header.stream}")
        if header.batch_seq != self.batch_seq + 1:
            raise BadRecord(
                f"batch {header.batch_seq} follows batch {self.batch_seq}: what lies between them was lost",
                reason="BATCH_GAP",
            )
        self.batch_seq = header.batch_seq
        self.uncommitted.add(header.stream)
        return Arrived(message, header, schema)

    def _commit(self, commit: destination_pb2.WriteCommit) -> Commit:
        if commit.commit_seq != self.commit_seq + 1:
            raise violation(f"commit {commit.commit_seq} does not follow commit {self.commit_seq}")
        if commit.up_to_batch_seq > self.batch_seq:
            raise BadRecord(
                f"commit {commit.commit_seq} covers batch {commit.up_to_batch_seq}; the last here is {self.batch_seq}",
                reason="BATCH_GAP",
            )
        if commit.up_to_batch_seq < self.batch_seq:
            raise violation(
                f"commit {commit.commit_seq} ends at batch {commit.up_to_batch_seq}; batch {self.batch_seq} came before"
            )
        self.commit_seq = commit.commit_seq
        self.uncommitted.clear()
        return Commit(commit.commit_seq)

    def _check_stream(self, stream: int, path: str) -> None:
        if stream >= self.streams:
            raise violation(f"{path} is {stream}, but the write was opened with {self.streams} streams")


def frame_of(message: bytes) -> Frame:
    """Look at a request. Raises Misconfigured when it is not protobuf."""
    try:
        return peek(message)
    except Bug as error:
        raise violation(error.message) from error


def parsed(message: bytes) -> destination_pb2.WriteRequest:
    """Parse a request. Raises Misconfigured when it is not protobuf."""
    try:
        return destination_pb2.WriteRequest.FromString(message)
    except DecodeError as error:
        raise violation(f"a message of {len(message)} bytes is no WriteRequest") from error


def violation(message: str) -> Misconfigured:
    """The caller broke the protocol."""
    return Misconfigured(message, reason="PROTOCOL_VIOLATION")
