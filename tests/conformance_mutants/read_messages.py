"""Sources whose messages in a Read break a rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from towpath.connector.v1 import source_pb2, types_pb2

from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Relayed
from conformance_mutants.read_relays import (
    COMPLETE,
    FAILED,
    INCOMPLETE,
    Ask,
    OnRead,
    Say,
    during_reads,
    opens,
    stream_of,
)


def _each(kind: str, change: Any) -> Begin:
    """Change every message of one kind in place; `change` gets the message of the kind, and the relay."""

    class _Changed(OnRead):
        def answer(self, message: Say) -> Iterable[Say]:
            if message.WhichOneof("message") == kind:
                change(getattr(message, kind), self)
            return (message,)

    return during_reads(_Changed)


class _Twice(OnRead):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def answer(self, message: Say) -> Iterable[Say]:
        return (message, message) if message.WhichOneof("message") == self._kind else (message,)


class _BatchesFromTwo(OnRead):
    def answer(self, message: Say) -> Iterable[Say]:
        if message.HasField("batch"):
            message.batch.batch_seq += 1
        elif message.HasField("checkpoint") and message.checkpoint.up_to_batch_seq:
            message.checkpoint.up_to_batch_seq += 1
        return (message,)


class _SchemaAfterBatch(OnRead):
    """Announces a schema when the first batch of it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self._held: Say | None = None

    def answer(self, message: Say) -> Iterable[Say]:
        held, self._held = self._held, None
        if message.HasField("schema"):
            self._held = message
            return (held,) if held else ()
        if held is None:
            return (message,)
        return (message, held) if message.HasField("batch") else (held, message)


class _CountsSchemasPerStream(OnRead):
    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[tuple[int, int], int] = {}

    def answer(self, message: Say) -> Iterable[Say]:
        kind = message.WhichOneof("message")
        if kind in ("schema", "batch"):
            about = getattr(message, kind)
            count = sum(stream == about.stream for stream, _ in self._ids)
            about.schema_id = self._ids.setdefault((about.stream, about.schema_id), count + 1)
        return (message,)


class _PayloadFirst(Relayed):
    """Serializes the payload of each batch before its numbers."""

    async def response(self, raw: bytes) -> Iterable[bytes]:
        message = source_pb2.ReadResponse.FromString(raw)
        if not message.HasField("batch"):
            return (raw,)
        payload = types_pb2.Batch(ipc_messages=message.batch.ipc_messages).SerializeToString()
        message.batch.ClearField("ipc_messages")
        batch = payload + message.batch.SerializeToString()
        return (b"\x1a" + _varint(len(batch)) + batch,)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


class _CheckpointsFromTwo(OnRead):
    def ask(self, message: Ask) -> Iterable[Ask]:
        if message.HasField("ack") and message.ack.checkpoint_seq:
            message.ack.checkpoint_seq -= 1
        return (message,)

    def answer(self, message: Say) -> Iterable[Say]:
        if message.HasField("checkpoint"):
            message.checkpoint.checkpoint_seq += 1
        elif message.HasField("finished") and message.finished.last_checkpoint_seq:
            message.finished.last_checkpoint_seq += 1
        return (message,)


class _ForgetsTheLastCheckpoint(OnRead):
    """Completes snapshots of `orders` without their last checkpoint, and numbers the others without it."""

    def __init__(self) -> None:
        super().__init__()
        self._held: Say | None = None
        self._sent: list[int] = []

    def ask(self, message: Ask) -> Iterable[Ask]:
        if message.HasField("ack"):
            seq = message.ack.checkpoint_seq
            message.ack.checkpoint_seq = self._sent[seq - 1] if 0 < seq <= len(self._sent) else 1_000_000
        return (message,)

    def answer(self, message: Say) -> Iterable[Say]:
        held, self._held = self._held, None
        if held is not None and message.HasField("status") and message.status.state == COMPLETE:
            held = None
        released = [self._numbered(held)] if held is not None else []
        if message.HasField("checkpoint"):
            if self.names[message.checkpoint.stream] == "orders" and not self.incremental:
                self._held = message
                return released
            message = self._numbered(message)
        elif message.HasField("finished"):
            message.finished.last_checkpoint_seq = len(self._sent)
        return [*released, message]

    def _numbered(self, message: Say) -> Say:
        self._sent.append(message.checkpoint.checkpoint_seq)
        message.checkpoint.checkpoint_seq = len(self._sent)
        return message


class _AnnouncesAfterTheEnd(OnRead):
    """Announces the schema of a stream once more when the stream has ended."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[int, types_pb2.SchemaAnnounce] = {}
        self._more = 0

    def answer(self, message: Say) -> Iterable[Say]:
        if message.HasField("schema"):
            message.schema.schema_id += self._more
            self._last[message.schema.stream] = message.schema
        elif message.HasField("batch"):
            message.batch.schema_id += self._more
        elif message.HasField("status") and message.status.state == COMPLETE and self._last:
            again = source_pb2.ReadResponse(schema=self._last.get(message.status.stream))
            again.schema.schema_id = max(schema.schema_id for schema in self._last.values()) + 1
            self._more += 1
            return (message, again)
        return (message,)


class _AnnouncesOneMore(OnRead):
    """Announces a stream that nobody asked for, before the end."""

    def __init__(self) -> None:
        super().__init__()
        self._schema = types_pb2.SchemaAnnounce()

    def answer(self, message: Say) -> Iterable[Say]:
        if message.HasField("schema"):
            self._schema.CopyFrom(message.schema)
        elif message.HasField("finished"):
            self._schema.stream = len(self.opening.streams)
            self._schema.schema_id += 1
            return (source_pb2.ReadResponse(schema=self._schema), message)
        return (message,)


class _SwapsTwoStreams(OnRead):
    """Takes the first of two good streams for the second."""

    def answer(self, message: Say) -> Iterable[Say]:
        about = stream_of(message)
        if about is not None and sorted(self.names) == ["customers", "orders"]:
            about.stream = 1 - about.stream
        return (message,)


class _FailsTogether(OnRead):
    """Gives up all streams when one fails."""

    def __init__(self) -> None:
        super().__init__()
        self._failed = False
        self._last = 0

    def answer(self, message: Say) -> Iterable[Say]:
        if message.HasField("status") and message.status.state == FAILED:
            self._failed = True
        elif self._failed and message.HasField("status"):
            message.status.state = INCOMPLETE
        elif self._failed and message.HasField("finished"):
            message.finished.last_checkpoint_seq = self._last
        elif self._failed:
            return ()
        elif message.HasField("checkpoint"):
            self._last = message.checkpoint.checkpoint_seq
        return (message,)


def _invents_a_key(schema: types_pb2.SchemaAnnounce, _: OnRead) -> None:
    schema.primary_key.append("nowhere")


def _counts_one_row_more(batch: types_pb2.Batch | types_pb2.Checkpoint, _: OnRead) -> None:
    batch.rows += 1


def _miscalculates(batch: types_pb2.Batch, _: OnRead) -> None:
    batch.crc32c ^= 1


def _covers_the_next(checkpoint: types_pb2.Checkpoint, _: OnRead) -> None:
    checkpoint.up_to_batch_seq += bool(checkpoint.up_to_batch_seq)


def _never_completes(status: types_pb2.StreamStatus, read: OnRead) -> None:
    if status.state == COMPLETE and read.incremental:
        status.state = INCOMPLETE


def _blames_success(status: types_pb2.StreamStatus, _: OnRead) -> None:
    if status.state == COMPLETE:
        status.failure.message = "none"


def _names_another_checkpoint(finished: source_pb2.ReadFinished, _: OnRead) -> None:
    finished.last_checkpoint_seq += 1


class _EmptyWithoutSchema(OnRead):
    def answer(self, message: Say) -> Iterable[Say]:
        return () if message.HasField("schema") and self.names == ["empty"] else (message,)


_COLUMNS = {
    "customers": ["id", "name", "email", "country", "points", "discount", "created_at", "updated_at"],
    "orders": ["id", "customer_id", "status", "total", "express", "created_at", "updated_at"],
}


def _knows_one_order(opening: source_pb2.ReadOpen) -> None:
    for stream in opening.streams:
        known = _COLUMNS.get(stream.name.name, [])
        stream.columns[:] = sorted(stream.columns, key=lambda name: known.index(name) if name in known else -1)


def _leaves_out_unknown_columns(opening: source_pb2.ReadOpen) -> None:
    for stream in opening.streams:
        known = _COLUMNS.get(stream.name.name, stream.columns)
        stream.columns[:] = [name for name in stream.columns if name in known]


def _takes_unknown_for_empty(opening: source_pb2.ReadOpen) -> None:
    for stream in opening.streams:
        if stream.name.name.startswith("no_such_stream"):
            stream.name.name = "empty"


def _takes_no_mode_for_a_snapshot(opening: source_pb2.ReadOpen) -> None:
    for stream in opening.streams:
        if stream.mode == types_pb2.READ_MODE_UNSPECIFIED:
            stream.mode = types_pb2.READ_MODE_SNAPSHOT


for _check, _name, _begin in (
    ("read.opened-first", "opens twice", during_reads(lambda: _Twice("opened"))),
    ("read.batch-seq", "counts batches from two", during_reads(_BatchesFromTwo)),
    ("read.schema-before-batch", "announces schemas late", during_reads(_SchemaAfterBatch)),
    ("read.schema-ids", "counts schemas per stream", during_reads(_CountsSchemasPerStream)),
    ("read.schema-key", "has a key of no columns", _each("schema", _invents_a_key)),
    ("read.rows", "counts one row more in a batch", _each("batch", _counts_one_row_more)),
    ("read.crc", "miscalculates checksums", _each("batch", _miscalculates)),
    (
        "read.batch-layout",
        "sends payloads first",
        lambda method: _PayloadFirst() if method == "Read" else Relayed(),
    ),
    ("read.checkpoint-seq", "counts checkpoints from two", during_reads(_CheckpointsFromTwo)),
    ("read.checkpoint-covers", "covers the next batch too", _each("checkpoint", _covers_the_next)),
    ("read.checkpoint-rows", "counts one row more in a checkpoint", _each("checkpoint", _counts_one_row_more)),
    ("read.complete-is-covered", "forgets the last checkpoint", during_reads(_ForgetsTheLastCheckpoint)),
    ("read.completes", "never completes", _each("status", _never_completes)),
    ("read.one-terminal-status", "ends streams twice", during_reads(lambda: _Twice("status"))),
    ("read.status-states", "completes with a failure", _each("status", _blames_success)),
    ("read.nothing-after-terminal", "announces after the end", during_reads(_AnnouncesAfterTheEnd)),
    ("read.finished-last", "names another checkpoint", _each("finished", _names_another_checkpoint)),
    ("read.selected-streams", "announces one stream more", during_reads(_AnnouncesOneMore)),
    ("read.selected-columns", "knows one order of columns", opens(_knows_one_order)),
    ("read.unknown-column", "leaves out unknown columns", opens(_leaves_out_unknown_columns)),
    ("read.unknown-stream", "takes unknown streams for empty ones", opens(_takes_unknown_for_empty)),
    ("read.unknown-mode", "takes no mode for a snapshot", opens(_takes_no_mode_for_a_snapshot)),
    ("read.two-streams", "swaps two streams", during_reads(_SwapsTwoStreams)),
    ("read.empty-stream", "has no schema where there are no rows", during_reads(_EmptyWithoutSchema)),
    ("read.failing-stream", "gives up all streams when one fails", during_reads(_FailsTogether)),
):
    mutant(_check, "source", _name, begin=_begin)
