"""Encodes what the judge writes: schemas, and batches with their dictionaries and checksums.

By means of Arrow alone, and not of the SDK, so that no connector is judged by the code that it may be made of.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import google_crc32c
import pyarrow as pa
from towpath.connector.v1 import types_pb2

from towpath_conformance.recording import ipc_messages_of

__all__ = ["BatchEncoder", "crc32c", "encode_schema"]

crc32c = cast("Callable[[bytes], int]", cast("Any", google_crc32c).value)
"""CRC-32C (Castagnoli) of some bytes."""


def encode_schema(schema: pa.Schema) -> bytes:
    """Return a schema as one encapsulated IPC Schema message."""
    return schema.serialize().to_pybytes()


class BatchEncoder:
    """Encodes record batches of one announced schema; a dictionary travels when it is new, and not again."""

    def __init__(self, stream: int, schema_id: int, schema: pa.Schema) -> None:
        self._stream = stream
        self._schema_id = schema_id
        self._sink = io.BytesIO()
        self._writer: Any = pa.ipc.new_stream(self._sink, schema)

    def encode(self, batch_seq: int, records: pa.RecordBatch) -> types_pb2.Batch:
        """Return the Batch of some records."""
        self._sink.seek(0)
        self._sink.truncate()
        self._writer.write_batch(records)
        parts = [raw for kind, raw in ipc_messages_of(self._sink.getvalue()) if kind != "schema"]
        payload = b"".join(parts)
        return types_pb2.Batch(
            stream=self._stream,
            schema_id=self._schema_id,
            batch_seq=batch_seq,
            rows=records.num_rows,
            crc32c=crc32c(payload),
            ipc_messages=payload,
        )
