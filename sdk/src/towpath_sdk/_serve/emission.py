"""What one Read emits, numbered and encoded: schemas, batches, checkpoints, statuses. Runs in the author's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from towpath.connector.v1 import source_pb2, types_pb2

from towpath_sdk import traces
from towpath_sdk._serve.limits import Limits
from towpath_sdk._serve.messages import stream_status
from towpath_sdk._wire.batches import BatchEncoder, encode_batch
from towpath_sdk._wire.schemas import encode_schema
from towpath_sdk._wire.slices import joined, size_of, slices
from towpath_sdk._wire.states import encode_state
from towpath_sdk.catalog import StreamName
from towpath_sdk.errors import BadRecord, Bug, TowpathError
from towpath_sdk.redaction import Redactor
from towpath_sdk.source import Checkpoint

__all__ = ["Emission", "StreamEmission"]

_MAX_PENDING = 4096


class Emission:
    """Counters of one Read, and the way out."""

    def __init__(self, send: Callable[[bytes], None], redactor: Redactor, limits: Limits, batch_bytes: int) -> None:
        self.send = send
        self.redactor = redactor
        self.limits = limits
        self.batch_bytes = batch_bytes
        self.batch_seq = 0
        self.checkpoint_seq = 0
        self.schema_id = 0

    def status(
        self,
        index: int,
        state: types_pb2.StreamStatus.State,
        failure: TowpathError | None = None,
        name: StreamName | None = None,
    ) -> None:
        """Send a status of one stream."""
        status = stream_status(index, state, failure, name, self.redactor.redact)
        if failure is not None:
            traces.current().fail(f"{failure.reason}: {self.redactor.redact(failure.message)}")
        self.send(source_pb2.ReadResponse(status=status).SerializeToString())

    def finish(self) -> None:
        """Send the last message."""
        finished = source_pb2.ReadFinished(last_checkpoint_seq=self.checkpoint_seq)
        self.send(source_pb2.ReadResponse(finished=finished).SerializeToString())


class StreamEmission:
    """What one stream of a Read emits. Small record batches are gathered until they make a large one."""

    def __init__(
        self, emission: Emission, index: int, name: StreamName, remember: Callable[[int, Checkpoint | None, int], None]
    ) -> None:
        """`remember` is told number, author's original (None if the SDK made it) and state bytes of each checkpoint."""
        self._emission = emission
        self._index = index
        self._name = name
        self._remember = remember
        self._schema: pa.Schema | None = None
        self._primary_key: tuple[str, ...] = ()
        self._encoder: BatchEncoder | None = None
        self._schema_id = 0
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self.rows_since_checkpoint = 0

    @property
    def announced(self) -> bool:
        """A schema was announced."""
        return self._schema is not None

    def announce(self, schema: pa.Schema, primary_key: Sequence[str] | None = None) -> None:
        """Announce a schema unless it is the current one; without `primary_key`, the key stays as it is."""
        wanted = self._primary_key if primary_key is None else tuple(primary_key)
        key = wanted if set(wanted) <= set(schema.names) else ()
        if self._schema is not None and key == self._primary_key and self._schema.equals(schema, check_metadata=True):
            return
        self.flush()
        self._emission.schema_id += 1
        self._schema_id = self._emission.schema_id
        self._schema, self._primary_key = schema, key
        ipc_schema = encode_schema(schema)
        self._encoder = BatchEncoder(schema, ipc_schema)
        announcement = types_pb2.SchemaAnnounce(
            stream=self._index, schema_id=self._schema_id, ipc_schema=ipc_schema, primary_key=key
        )
        self._emission.send(source_pb2.ReadResponse(schema=announcement).SerializeToString())

    def records(self, records: pa.RecordBatch) -> None:
        """Take rows, to be sent in batches of about the wanted size; announces their schema if it is new.

        Raises BadRecord when a single row exceeds the limit for a batch.
        """
        self.announce(records.schema)
        if not records.num_rows:
            return
        size = size_of(records)
        if size >= self._emission.batch_bytes // 4:
            self.flush()
            self._send_sliced(records)
            return
        self._pending.append(records)
        self._pending_bytes += size - size_of(records.slice(0, 0))
        if self._pending_bytes >= self._emission.batch_bytes // 2 or len(self._pending) >= _MAX_PENDING:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered."""
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        if pending:
            for records in joined(pending):
                self._send_sliced(records)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Send a checkpoint of the author's."""
        state = encode_state(checkpoint.state, self._emission.redactor, self._emission.limits.max_state_bytes)
        self._checkpoint(state, checkpoint.version, checkpoint)

    def checkpoint_without_state(self) -> None:
        """Send the checkpoint that covers what is left: complete, but nothing to continue from."""
        self._checkpoint(b"", 0, None)

    def _checkpoint(self, state: bytes, version: int, checkpoint: Checkpoint | None) -> None:
        self.flush()
        emission = self._emission
        emission.checkpoint_seq += 1
        message = types_pb2.Checkpoint(
            checkpoint_seq=emission.checkpoint_seq,
            stream=self._index,
            state=state,
            state_version=version,
            up_to_batch_seq=emission.batch_seq,
            rows=self.rows_since_checkpoint,
        )
        self.rows_since_checkpoint = 0
        self._remember(emission.checkpoint_seq, checkpoint, len(state))
        emission.send(source_pb2.ReadResponse(checkpoint=message).SerializeToString())

    def _send_sliced(self, records: pa.RecordBatch) -> None:
        for piece in slices(records, self._emission.batch_bytes):
            self._send(piece)

    def _send(self, records: pa.RecordBatch) -> None:
        if self._encoder is None:
            raise Bug("records before a schema")
        payload = self._encoder.encode(records)
        limit = self._emission.limits.payload_bytes
        if payload.size > limit > 0:
            self._encoder.forget()
            if records.num_rows == 1:
                raise BadRecord(
                    f"a row of stream {self._name} has {payload.size} bytes; the limit for a batch is {limit}",
                    reason="ROW_TOO_LARGE",
                )
            middle = records.num_rows // 2
            self._send(records.slice(0, middle))
            self._send(records.slice(middle))
            return
        self._emission.batch_seq += 1
        self.rows_since_checkpoint += records.num_rows
        self._emission.send(
            encode_batch(self._index, self._schema_id, self._emission.batch_seq, records.num_rows, payload)
        )
