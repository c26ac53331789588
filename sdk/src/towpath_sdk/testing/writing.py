"""A Write as the broker drives it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import pyarrow as pa
from towpath.connector.v1 import destination_pb2, types_pb2

from towpath_sdk._wire.batches import BatchEncoder, encode_batch
from towpath_sdk._wire.schemas import encode_schema
from towpath_sdk.destination import Committed
from towpath_sdk.errors import Bug, TowpathError
from towpath_sdk.status import from_status
from towpath_sdk.testing.raw_call import SteppedCall

__all__ = ["WriteSession"]


class WriteSession:
    """An open Write. Leaving the `with` block without `finish` cancels it, as a crashed broker does."""

    def __init__(self, call: SteppedCall, opening: destination_pb2.WriteOpen) -> None:
        """Raises what opening failed with."""
        self._call = call
        self._schemas: dict[int, tuple[pa.Schema, int, BatchEncoder]] = {}
        self._finished = False
        self.batch_seq = 0
        self.schema_id = 0
        self.commit_seq = opening.resume_after_commit_seq
        self.receipts: list[bytes] = []
        """Receipts of this session's commits, oldest first."""
        self.logs: list[types_pb2.LogEntry] = []
        self.send(destination_pb2.WriteRequest(open=opening))
        self.discarded = self._expect("opened").opened.discarded

    def __enter__(self) -> Self:
        """Use as a context that ends the call."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel unless finished."""
        if not self._finished:
            self._call.cancel()

    def write(self, records: pa.RecordBatch | pa.Table, *, stream: int = 0, primary_key: Sequence[str] = ()) -> None:
        """Send rows as they are, each record batch as one Batch; announces their schema if it is new."""
        for batch in records.to_batches() if isinstance(records, pa.Table) else [records]:
            if batch.num_rows:
                self._write(batch, stream, primary_key)

    def commit(self) -> Committed:
        """Ask for durability of everything so far, and wait for it."""
        self.commit_seq += 1
        self.send(
            destination_pb2.WriteRequest(
                commit=destination_pb2.WriteCommit(commit_seq=self.commit_seq, up_to_batch_seq=self.batch_seq)
            )
        )
        committed = self._expect("committed").committed
        if committed.commit_seq != self.commit_seq:
            raise Bug(f"commit {self.commit_seq} was answered with {committed.commit_seq}")
        self.receipts.append(committed.receipt)
        return Committed(committed.receipt, dict(committed.rows))

    def finish(self) -> list[types_pb2.StreamStatus]:
        """Half-close, and return the terminal status of each stream."""
        self._call.half_close()
        statuses: list[types_pb2.StreamStatus] = []
        while (response := self.receive()) is not None:
            if response.WhichOneof("message") == "status":
                statuses.append(response.status)
        self._finished = True
        return statuses

    def cancel(self) -> None:
        """Cancel, as a broker that goes away does."""
        self._finished = True
        self._call.cancel()

    def send(self, request: destination_pb2.WriteRequest | bytes) -> None:
        """Send any request, or any bytes."""
        self._call.send(request if isinstance(request, bytes) else request.SerializeToString())

    def receive(self, timeout: float | None = None) -> destination_pb2.WriteResponse | None:
        """Return the next message but logs, None at the end. Raises what the RPC failed with."""
        while (raw := self._call.receive(timeout)) is not None:
            response = destination_pb2.WriteResponse.FromString(raw)
            if response.WhichOneof("message") != "log":
                return response
            self.logs.append(response.log)
        return None

    def _write(self, batch: pa.RecordBatch, stream: int, primary_key: Sequence[str]) -> None:
        known = self._schemas.get(stream)
        if known is None or not known[0].equals(batch.schema, check_metadata=True):
            self.schema_id += 1
            ipc_schema = encode_schema(batch.schema)
            known = (batch.schema, self.schema_id, BatchEncoder(batch.schema, ipc_schema))
            self._schemas[stream] = known
            announce = types_pb2.SchemaAnnounce(
                stream=stream, schema_id=self.schema_id, ipc_schema=ipc_schema, primary_key=primary_key
            )
            self.send(destination_pb2.WriteRequest(schema=announce))
        payload = known[2].encode(batch)
        self.batch_seq += 1
        self.send(encode_batch(stream, known[1], self.batch_seq, batch.num_rows, payload))

    def _expect(self, kind: str) -> destination_pb2.WriteResponse:
        while True:
            response = self.receive()
            if response is None:
                raise Bug(f"the call ended without {kind}")
            name = response.WhichOneof("message")
            if name == kind:
                return response
            failure = _failure_of(response)
            if failure is not None:
                raise failure


def _failure_of(response: destination_pb2.WriteResponse) -> TowpathError | None:
    failed = response.HasField("status") and response.status.state == types_pb2.StreamStatus.STATE_FAILED
    return from_status(response.status.failure) if failed else None
