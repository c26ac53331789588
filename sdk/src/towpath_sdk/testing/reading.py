"""A Read as the broker sees it: stepwise, or gathered into a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_sdk._wire.batches import BatchDecoder
from towpath_sdk._wire.states import decode_state
from towpath_sdk.errors import Bug, PositionLost, TowpathError
from towpath_sdk.framing import peek
from towpath_sdk.status import from_status
from towpath_sdk.testing.raw_call import SteppedCall

__all__ = ["ReadResult", "ReadSession", "ReceivedCheckpoint"]

_TERMINAL = {
    types_pb2.StreamStatus.STATE_COMPLETE,
    types_pb2.StreamStatus.STATE_INCOMPLETE,
    types_pb2.StreamStatus.STATE_FAILED,
}


@dataclass(frozen=True)
class ReceivedCheckpoint:
    """A checkpoint; `state` is what `read` would be given again, `encoded` what the platform stores."""

    checkpoint_seq: int
    stream: int
    state: Mapping[str, object] | bytes | None
    encoded: bytes
    version: int
    up_to_batch_seq: int
    rows: int


@dataclass
class ReadResult:
    """Everything that one stream's Read emitted, in order."""

    batches: list[pa.RecordBatch] = field(default_factory=list[pa.RecordBatch])
    checkpoints: list[ReceivedCheckpoint] = field(default_factory=list[ReceivedCheckpoint])
    schemas: list[pa.Schema] = field(default_factory=list[pa.Schema])
    primary_keys: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    statuses: list[types_pb2.StreamStatus] = field(default_factory=list[types_pb2.StreamStatus])
    logs: list[types_pb2.LogEntry] = field(default_factory=list[types_pb2.LogEntry])
    messages: list[source_pb2.ReadResponse] = field(default_factory=list[source_pb2.ReadResponse])

    @property
    def table(self) -> pa.Table:
        """All rows. Raises Bug when the schema changed on the way: look at `batches` then."""
        if len(self.schemas) != 1:
            raise Bug(f"the read announced {len(self.schemas)} schemas; only one makes a table")
        return pa.Table.from_batches(self.batches, schema=self.schemas[0])

    @property
    def rows(self) -> list[dict[str, object]]:
        """All rows as dictionaries."""
        return [row for batch in self.batches for row in batch.to_pylist()]

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return sum(batch.num_rows for batch in self.batches)

    @property
    def state(self) -> Mapping[str, object] | bytes | None:
        """State of the last checkpoint, from which the next read continues; None without one."""
        return self.checkpoints[-1].state if self.checkpoints else None

    @property
    def complete(self) -> bool:
        """The stream ended with COMPLETE."""
        return bool(self.statuses) and self.statuses[-1].state == types_pb2.StreamStatus.STATE_COMPLETE

    @property
    def failure(self) -> TowpathError | None:
        """Why the stream failed, if it did."""
        failed = [status for status in self.statuses if status.state == types_pb2.StreamStatus.STATE_FAILED]
        return from_status(failed[-1].failure) if failed else None


class ReadSession:
    """An open Read, step by step. Batches are verified: order, schema, checksum, content."""

    def __init__(self, call: SteppedCall, opening: source_pb2.ReadOpen) -> None:
        self._call = call
        self._call.send(source_pb2.ReadRequest(open=opening).SerializeToString())
        self._decoders: dict[int, tuple[int, BatchDecoder]] = {}
        self._batch_seq = 0
        self._ended: set[int] = set()
        self.results = [ReadResult() for _ in opening.streams]
        """What has arrived so far, per stream."""
        self.wants_acks = False
        self.last_checkpoint_seq = 0

    def receive(self, timeout: float | None = None) -> source_pb2.ReadResponse | None:
        """Return the next message, None at the end. Raises what the RPC failed with, or Bug on a violated protocol."""
        raw = self._call.receive(timeout)
        if raw is None:
            return None
        response = source_pb2.ReadResponse.FromString(raw)
        self._take(raw, response)
        return response

    def __iter__(self) -> Iterator[source_pb2.ReadResponse]:
        """Iterate over messages up to ReadFinished."""
        while (response := self.receive()) is not None:
            yield response
            if response.WhichOneof("message") == "finished":
                return

    def ack(self, checkpoint_seq: int) -> None:
        """Acknowledge a checkpoint."""
        request = source_pb2.ReadRequest(ack=source_pb2.ReadAck(checkpoint_seq=checkpoint_seq))
        self._call.send(request.SerializeToString())

    def drain(self) -> None:
        """Ask the source to stop at the next safe point."""
        self._call.send(source_pb2.ReadRequest(drain=source_pb2.ReadDrain()).SerializeToString())

    def send(self, message: bytes) -> None:
        """Send any bytes."""
        self._call.send(message)

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self._call.half_close()

    def cancel(self) -> None:
        """Cancel, as a broker that goes away does."""
        self._call.cancel()

    def _take(self, raw: bytes, response: source_pb2.ReadResponse) -> None:
        kind = response.WhichOneof("message")
        if kind == "opened":
            self.wants_acks = response.opened.wants_acks
        elif kind == "schema":
            self._take_schema(response.schema)
        elif kind == "batch":
            self._take_batch(raw, response.batch.stream)
        elif kind == "checkpoint":
            self._take_checkpoint(response.checkpoint)
        elif kind == "status":
            self.results[response.status.stream].statuses.append(response.status)
            if response.status.state in _TERMINAL:
                self._ended.add(response.status.stream)
        elif kind == "log":
            for result in self.results:
                result.logs.append(response.log)
        for result in self.results:
            result.messages.append(response)

    def _take_schema(self, announced: types_pb2.SchemaAnnounce) -> None:
        if self._decoders and announced.schema_id <= max(self._decoders):
            raise Bug(f"schema_id {announced.schema_id} does not increase")
        decoder = BatchDecoder(announced.ipc_schema)
        self._decoders[announced.schema_id] = (announced.stream, decoder)
        self.results[announced.stream].schemas.append(decoder.schema)
        self.results[announced.stream].primary_keys.append(tuple(announced.primary_key))

    def _take_batch(self, raw: bytes, stream: int) -> None:
        header = peek(raw).batch
        if header is None or header.batch_seq != self._batch_seq + 1:
            raise Bug(f"batch {header.batch_seq if header else None} follows batch {self._batch_seq}")
        self._batch_seq = header.batch_seq
        announced_for, decoder = self._decoders.get(header.schema_id, (None, None))
        if decoder is None or announced_for != stream or stream in self._ended:
            raise Bug(f"batch {header.batch_seq} has no announced schema, or follows the stream's last status")
        self.results[stream].batches.append(decoder.decode(raw, header))

    def _take_checkpoint(self, checkpoint: types_pb2.Checkpoint) -> None:
        if checkpoint.checkpoint_seq != self.last_checkpoint_seq + 1:
            raise Bug(f"checkpoint {checkpoint.checkpoint_seq} follows checkpoint {self.last_checkpoint_seq}")
        self.last_checkpoint_seq = checkpoint.checkpoint_seq
        self.results[checkpoint.stream].checkpoints.append(
            ReceivedCheckpoint(
                checkpoint_seq=checkpoint.checkpoint_seq,
                stream=checkpoint.stream,
                state=_decoded(checkpoint.state),
                encoded=checkpoint.state,
                version=checkpoint.state_version,
                up_to_batch_seq=checkpoint.up_to_batch_seq,
                rows=checkpoint.rows,
            )
        )


def _decoded(encoded: bytes) -> Mapping[str, object] | bytes | None:
    """A state as its author gave it; as it came, from a connector that is not made with this SDK."""
    try:
        return decode_state(encoded)
    except PositionLost:
        return encoded
