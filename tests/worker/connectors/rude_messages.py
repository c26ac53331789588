"""What a source that breaks the protocol sends in a Read: one list of messages for each way of breaking it."""

from __future__ import annotations

from typing import Any, cast

import google_crc32c
import pyarrow as pa
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from towpath.connector.v1 import source_pb2, types_pb2

__all__ = ["FAULTS", "SCHEMA", "batch", "opened", "schema"]

SCHEMA = pa.schema([("n", pa.int64())])
_Response = source_pb2.ReadResponse
_Status = types_pb2.StreamStatus


def opened() -> bytes:
    """The first message."""
    return _Response(opened=source_pb2.ReadOpened()).SerializeToString()


def schema(schema_id: int = 1) -> bytes:
    """An announcement."""
    ipc = SCHEMA.serialize().to_pybytes()
    return _Response(schema=types_pb2.SchemaAnnounce(schema_id=schema_id, ipc_schema=ipc)).SerializeToString()


def batch(
    seq: int,
    *,
    rows: int = 10,
    stream: int = 0,
    schema_id: int = 1,
    payload: bytes | None = None,
    crc: int | None = None,
) -> bytes:
    """A batch that announces `rows` rows and holds ten, correctly encoded unless the payload is given."""
    if payload is None:
        columns: Any = {"n": list(range(10))}
        payload = pa.RecordBatch.from_pydict(columns, schema=SCHEMA).serialize().to_pybytes()
    if crc is None:
        crc = cast("int", cast("Any", google_crc32c).value(payload))
    message = types_pb2.Batch(
        stream=stream, schema_id=schema_id, batch_seq=seq, rows=rows, crc32c=crc, ipc_messages=payload
    )
    return _Response(batch=message).SerializeToString()


def checkpoint(seq: int, up_to: int, rows: int) -> bytes:
    """A checkpoint."""
    message = types_pb2.Checkpoint(checkpoint_seq=seq, state=b"{}", state_version=1, up_to_batch_seq=up_to, rows=rows)
    return _Response(checkpoint=message).SerializeToString()


def status(state: types_pb2.StreamStatus.State = _Status.STATE_COMPLETE, **failure: Any) -> bytes:
    """A status."""
    message = types_pb2.StreamStatus(state=state, failure=status_pb2.Status(**failure) if failure else None)
    return _Response(status=message).SerializeToString()


def throttled(seconds: int) -> bytes:
    """A failed status that asks for a pause."""
    failure = status_pb2.Status(code=8, message="slow down")
    delay = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds))
    failure.details.add().Pack(delay)
    return _Response(status=types_pb2.StreamStatus(state=_Status.STATE_FAILED, failure=failure)).SerializeToString()


def finished(last: int = 0) -> bytes:
    """The last message."""
    return _Response(finished=source_pb2.ReadFinished(last_checkpoint_seq=last)).SerializeToString()


def ending(rows: int = 10, last: int = 1) -> list[bytes]:
    """A checkpoint that covers one batch, and the end."""
    return [checkpoint(1, 1, rows), status(), finished(last)]


_BEGUN = [opened(), schema()]

FAULTS: dict[str, list[bytes]] = {
    "polite": [*_BEGUN, batch(1), *ending()],
    "not_protobuf": [*_BEGUN, b"\xff\xff\xff\xff\xff"],
    "nothing_before_opened": [schema()],
    "opened_twice": [opened(), opened()],
    "batch_before_schema": [opened(), batch(1)],
    "sequence_gap": [*_BEGUN, batch(1), batch(3)],
    "no_rows": [*_BEGUN, batch(1, rows=0)],
    "no_payload": [*_BEGUN, batch(1, payload=b"")],
    "unknown_stream": [*_BEGUN, batch(1, stream=7)],
    "unknown_schema": [*_BEGUN, batch(1, schema_id=2)],
    "schema_again": [opened(), schema(2), schema(1)],
    "schema_is_garbage": [
        opened(),
        _Response(schema=types_pb2.SchemaAnnounce(schema_id=1, ipc_schema=b"nonsense")).SerializeToString(),
    ],
    "checkpoint_of_the_future": [*_BEGUN, checkpoint(1, 5, 50)],
    "checkpoint_gap": [*_BEGUN, checkpoint(2, 0, 0)],
    "no_checkpoint": [*_BEGUN, batch(1), status(), finished()],
    "no_status": [*_BEGUN, finished()],
    "batch_after_end": [*_BEGUN, status(), batch(1)],
    "silent_end": [*_BEGUN, batch(1)],
    "wrong_last_checkpoint": [*_BEGUN, status(), finished(9)],
    "wrong_checksum": [*_BEGUN, batch(1, crc=12345), *ending()],
    "malformed_batch": [*_BEGUN, batch(1, payload=b"no Arrow at all"), *ending()],
    "announces_too_many_rows": [*_BEGUN, batch(1, rows=11), *ending(11)],
    "counts_too_few_rows": [*_BEGUN, batch(1), *ending(9)],
    "counts_too_many_rows": [*_BEGUN, batch(1), *ending(11)],
    "empty": [opened(), status(), finished()],
    "stops_early": [*_BEGUN, batch(1), checkpoint(1, 1, 10), status(_Status.STATE_INCOMPLETE), finished(1)],
    "is_denied": [*_BEGUN, status(_Status.STATE_FAILED, code=7, message="no SELECT for you"), finished()],
    "is_throttled": [*_BEGUN, throttled(3), finished()],
}
