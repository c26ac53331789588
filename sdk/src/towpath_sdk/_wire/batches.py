"""Record batches on the wire: Arrow IPC messages inside of a Batch, with a checksum.

`encode_batch` writes the serialized ReadResponse by hand: the fields of Batch in the order of their numbers, the
payload last and in one piece, so that the payload is copied once and a broker can read the header without touching
it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import google_crc32c
import pyarrow as pa

from towpath_sdk._wire.schemas import decode_schema, has_dictionary
from towpath_sdk.errors import BadRecord
from towpath_sdk.framing import BatchHeader

__all__ = ["BatchDecoder", "BatchEncoder", "encode_batch"]

_BATCH_FIELD = 3
_LAST_VARINT_BYTE = 0x7F

_crc32c = cast("Callable[[pa.Buffer], int]", cast("Any", google_crc32c).value)


class BatchEncoder:
    """Encodes the record batches of one announced schema as IPC messages.

    A batch is preceded by the dictionaries that it refers to and that the receiver does not have yet: of a large one
    that all batches share, only the first of them bears the weight.
    """

    def __init__(self, schema: pa.Schema, ipc_schema: bytes) -> None:
        """`ipc_schema` is the encoded schema."""
        self._schema = schema
        self._has_dictionary = has_dictionary(schema)
        self._schema_bytes = len(ipc_schema)
        self._collected = _Collected()
        self._writer: Any = None

    def encode(self, records: pa.RecordBatch) -> pa.Buffer:
        """Encode records of this schema."""
        if not self._has_dictionary:
            return records.serialize()
        if self._writer is None:
            self._collected.take()
            self._writer = pa.ipc.new_stream(pa.PythonFile(cast("Any", self._collected), mode="w"), self._schema)
            self._writer.write_batch(records)
            # A stream begins with the schema message, which was announced before.
            return self._collected.take()[self._schema_bytes :]
        self._writer.write_batch(records)
        return self._collected.take()

    def forget(self) -> None:
        """What was encoded last was not sent: let the next batch bring its dictionaries again."""
        self._writer = None


def encode_batch(stream: int, schema_id: int, batch_seq: int, rows: int, payload: pa.Buffer) -> bytes:
    """Serialize ReadResponse{batch} around a payload."""
    size = payload.size
    header = b"".join(
        (
            b"\x08" + _varint(stream) if stream else b"",
            b"\x10" + _varint(schema_id),
            b"\x18" + _varint(batch_seq),
            b"\x20" + _varint(rows),
            b"\x2d" + _crc32c(payload).to_bytes(4, "little"),
            b"\x7a" + _varint(size),
        )
    )
    return b"".join((bytes((_BATCH_FIELD << 3 | 2,)), _varint(len(header) + size), header, memoryview(payload)))


class BatchDecoder:
    """Decodes the batches of one announced schema, without copying their payload."""

    def __init__(self, ipc_schema: bytes) -> None:
        """Raises Bug when the schema is malformed."""
        self.schema = decode_schema(ipc_schema)
        self._feed = _Feed(ipc_schema) if has_dictionary(self.schema) else None
        self._reader: pa.RecordBatchReader | None = None

    def decode(self, message: bytes, header: BatchHeader) -> pa.RecordBatch:
        """Verify and decode the batch that `header` describes within `message`.

        The records refer to the memory of `message`. Raises BadRecord when the checksum differs, the payload is no
        record batch of this schema, or its content is invalid.
        """
        payload = pa.py_buffer(message).slice(header.payload_offset, header.payload_bytes)
        if _crc32c(payload) != header.crc32c:
            raise BadRecord(
                f"batch {header.batch_seq} was damaged on the way: its checksum differs", reason="CHECKSUM_MISMATCH"
            )
        try:
            records = self._decode(payload)
            records.validate(full=True)
        except (pa.ArrowException, OSError, EOFError, StopIteration) as error:
            raise BadRecord(f"batch {header.batch_seq} is malformed: {error}", reason="MALFORMED_BATCH") from error
        if records.num_rows != header.rows or not header.rows:
            raise BadRecord(
                f"batch {header.batch_seq} has {records.num_rows} rows and announces {header.rows}",
                reason="ROW_COUNT_MISMATCH",
            )
        return records

    def _decode(self, payload: pa.Buffer) -> pa.RecordBatch:
        if self._feed is None:
            return pa.ipc.read_record_batch(payload, self.schema)
        self._feed.push(payload)
        if self._reader is None:
            self._reader = pa.ipc.open_stream(pa.PythonFile(cast("Any", self._feed), mode="r"))
        records = self._reader.read_next_batch()
        if self._feed.remaining:
            raise pa.ArrowInvalid("more than one record batch message")
        return records


class _Collected(io.RawIOBase):
    """A file that an IPC stream writer writes to, emptied after every message."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def take(self) -> pa.Buffer:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return pa.py_buffer(b"".join(parts))


class _Feed:
    """A file that hands an IPC stream reader one message after the other; the reader remembers the dictionaries."""

    closed = False

    def __init__(self, ipc_schema: bytes) -> None:
        self._parts = [pa.py_buffer(ipc_schema)]

    @property
    def remaining(self) -> int:
        """Bytes not yet read."""
        return sum(part.size for part in self._parts)

    def push(self, payload: pa.Buffer) -> None:
        """Append messages."""
        self._parts.append(payload)

    def read(self, size: int = -1) -> pa.Buffer | bytes:
        """Return the next bytes of the current message; the reader never asks for parts of two messages at once."""
        while self._parts and not self._parts[0].size:
            self._parts.pop(0)
        if not self._parts:
            return b""
        part = self._parts[0]
        taken = part if size < 0 else part.slice(0, min(size, part.size))
        self._parts[0] = part.slice(taken.size)
        return taken

    def readable(self) -> bool:
        """Reading is all that it can do."""
        return True

    def seekable(self) -> bool:
        """It only goes forward."""
        return False

    def flush(self) -> None:
        """Nothing to flush."""

    def close(self) -> None:
        """Nothing to close."""


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > _LAST_VARINT_BYTE:
        encoded.append(value & _LAST_VARINT_BYTE | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
