"""A Read or Write taken down as it went, for checks to judge.

Nothing is verified here: a recording of a connector that breaks a rule is as complete as one that keeps them all, so
that each check judges its own rule and no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa
from google.protobuf.message import DecodeError
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_conformance.exchange import Exchange
from towpath_conformance.failure import Failure, failure_of_status
from towpath_conformance.verdicts import Failed

__all__ = [
    "TERMINAL",
    "ReadRecording",
    "Received",
    "decode_batch",
    "decode_schema",
    "ipc_messages_of",
    "rows_of",
    "stream_text",
]

TERMINAL = frozenset(
    {
        types_pb2.StreamStatus.STATE_COMPLETE,
        types_pb2.StreamStatus.STATE_INCOMPLETE,
        types_pb2.StreamStatus.STATE_FAILED,
    }
)
"""States of which each stream gets exactly one."""

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


@dataclass(frozen=True)
class Received:
    """One message as it came: `index` counts from 0 within the recording, `at` is a monotonic time in seconds."""

    index: int
    at: float
    raw: bytes
    message: source_pb2.ReadResponse

    @property
    def kind(self) -> str:
        """Name of the message's kind; empty for one that holds none, or is no protobuf."""
        return self.message.WhichOneof("message") or ""


@dataclass
class ReadRecording:
    """One Read, from its open to its end."""

    opening: source_pb2.ReadOpen
    received: list[Received] = field(default_factory=list[Received])
    failure: Failure | None = None
    """What the RPC ended with; None when it went well or was left early."""
    ended: bool = False
    exchange: Exchange = field(default_factory=Exchange)

    def add(self, raw: bytes) -> Received:
        """Take down one message."""
        try:
            message = source_pb2.ReadResponse.FromString(raw)
        except DecodeError:
            message = source_pb2.ReadResponse()
        received = Received(len(self.received), time.monotonic(), raw, message)
        self.received.append(received)
        return received

    @property
    def kinds(self) -> list[str]:
        """Kinds of all messages but logs, in order."""
        return [item.kind for item in self.received if item.kind != "log"]

    @property
    def name(self) -> str:
        """What was read, for messages: "orders, public.items"."""
        return ", ".join(stream_text(stream.name) for stream in self.opening.streams)

    def of_kind(self, kind: str) -> Iterator[Received]:
        """Messages of one kind, in order."""
        return (item for item in self.received if item.kind == kind)

    def schemas(self, stream: int | None = None) -> list[types_pb2.SchemaAnnounce]:
        """Announced schemas, in order; of one stream, or of all."""
        found = [item.message.schema for item in self.of_kind("schema")]
        return [schema for schema in found if stream is None or schema.stream == stream]

    def batches(self, stream: int | None = None) -> list[types_pb2.Batch]:
        """Batches, in order; of one stream, or of all."""
        found = [item.message.batch for item in self.of_kind("batch")]
        return [batch for batch in found if stream is None or batch.stream == stream]

    def checkpoints(self, stream: int | None = None) -> list[types_pb2.Checkpoint]:
        """Checkpoints, in order; of one stream (those of shared state included), or of all."""
        found = [item.message.checkpoint for item in self.of_kind("checkpoint")]
        return [c for c in found if stream is None or not c.HasField("stream") or c.stream == stream]

    def statuses(self, stream: int | None = None) -> list[types_pb2.StreamStatus]:
        """Statuses, in order; of one stream, or of all."""
        found = [item.message.status for item in self.of_kind("status")]
        return [status for status in found if stream is None or status.stream == stream]

    @property
    def wants_acks(self) -> bool:
        """The source said so when it opened."""
        return any(item.message.opened.wants_acks for item in self.of_kind("opened"))

    @property
    def refusal(self) -> Failure | None:
        """How it failed: as a whole, or one of its streams. What comes after ReadFinished is about acknowledgements."""
        if self.failure is not None and "finished" not in self.kinds:
            return self.failure
        failed = (s for s in self.statuses() if s.state == types_pb2.StreamStatus.STATE_FAILED)
        return next((failure_of_status(status.failure) for status in failed), None)

    def records(
        self, stream: int = 0, keep: Callable[[types_pb2.Batch], bool] = lambda _: True
    ) -> list[pa.RecordBatch]:
        """Decode the batches of one stream that `keep` wants. Fails the check when one cannot be decoded."""
        schemas = {schema.schema_id: schema.ipc_schema for schema in self.schemas(stream)}
        dictionaries: dict[int, list[bytes]] = {}
        found: list[pa.RecordBatch] = []
        for batch in self.batches(stream):
            ipc_schema = schemas.get(batch.schema_id)
            if ipc_schema is None:
                raise Failed(f"batch {batch.batch_seq} has schema_id {batch.schema_id}, which was not announced")
            known = dictionaries.setdefault(batch.schema_id, [])
            records = decode_batch(ipc_schema, batch.ipc_messages, known)
            if keep(batch):
                found.append(records)
        return found

    def rows(
        self, stream: int = 0, keep: Callable[[types_pb2.Batch], bool] = lambda _: True
    ) -> list[tuple[object, ...]]:
        """Rows of one stream in the order in which they came, as tuples of Python values in the order of columns."""
        return [row for records in self.records(stream, keep) for row in rows_of(records)]


def rows_of(records: pa.RecordBatch) -> list[tuple[object, ...]]:
    """Rows as tuples of hashable Python values, in the order of the columns."""
    columns = [[_hashable(value) for value in values] for values in _python_values(records)]
    return list(zip(*columns, strict=True)) if columns else [()] * records.num_rows


def stream_text(name: types_pb2.StreamName) -> str:
    """Write a stream's name as people do: "namespace.name"."""
    return f"{name.namespace}.{name.name}" if name.namespace else name.name


def decode_schema(ipc_schema: bytes) -> pa.Schema:
    """Decode one encapsulated IPC Schema message. Fails the check when it is not exactly that."""
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(ipc_schema))
        if not pa.ipc.read_message(ipc_schema).type == "schema":
            raise pa.ArrowInvalid("it is another kind of message")
    except (pa.ArrowException, OSError, EOFError) as error:
        raise Failed(f"a schema of {len(ipc_schema)} bytes is no encapsulated IPC Schema message: {error}") from error
    return schema


def decode_batch(ipc_schema: bytes, ipc_messages: bytes, dictionaries: list[bytes] | None = None) -> pa.RecordBatch:
    """Decode the one record batch of `ipc_messages`, without validating its content.

    `dictionaries` are earlier messages of the same schema_id that held some; those of this message are appended. Fails
    the check when there is no record batch, or more than one.
    """
    known = dictionaries if dictionaries is not None else []
    try:
        parts = list(ipc_messages_of(ipc_messages))
        fresh = [part for kind, part in parts if kind == "dictionary"]
        known.extend(fresh)
        batches = [part for kind, part in parts if kind == "record batch"]
        if len(batches) != 1 or len(fresh) + 1 != len(parts) or parts[-1][0] != "record batch":
            kinds = ", ".join(kind for kind, _ in parts) or "nothing"
            raise Failed(f"ipc_messages holds {kinds}; it must be dictionaries, then exactly one record batch")
        source = pa.py_buffer(b"".join([ipc_schema, *known, batches[0], _END_OF_STREAM]))
        with pa.ipc.open_stream(source) as reader:
            return reader.read_next_batch()
    except (pa.ArrowException, OSError, EOFError, StopIteration, ValueError) as error:
        raise Failed(f"ipc_messages of {len(ipc_messages)} bytes cannot be decoded: {error}") from error


def ipc_messages_of(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut encapsulated IPC messages apart; yields the type and the bytes of each."""
    at = 0
    while at < len(raw):
        if raw[at : at + 4] != b"\xff\xff\xff\xff":
            raise ValueError(f"no IPC continuation marker at byte {at}")
        reader = pa.BufferReader(pa.py_buffer(raw).slice(at))
        message = pa.ipc.read_message(reader)
        size = reader.tell()
        yield message.type, raw[at : at + size]
        at += size


def _python_values(records: pa.RecordBatch) -> list[list[object]]:
    return [cast("Any", records.column(index)).to_pylist() for index in range(records.num_columns)]


def _hashable(value: object) -> object:
    if isinstance(value, list):
        return tuple(_hashable(item) for item in cast("list[object]", value))
    if isinstance(value, dict):
        return tuple((key, _hashable(item)) for key, item in cast("dict[object, object]", value).items())
    if isinstance(value, float) and value != value:  # noqa: PLR0124 NaN equals itself here
        return "NaN"
    return value
