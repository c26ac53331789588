"""Look at a serialized ReadResponse or WriteRequest without parsing it.

A broker reads the header of a batch, never its payload. Pure functions over bytes. What protobuf accepts is accepted; a
message that is not laid out as the protocol demands (header fields in order, payload last and in one piece) costs a
parse, and nothing else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from google.protobuf.message import DecodeError
from towpath.connector.v1 import source_pb2

from towpath_sdk.errors import Bug

__all__ = ["BatchHeader", "Frame", "ReadKind", "WriteKind", "peek"]


class ReadKind(IntEnum):
    """Kinds of ReadResponse; the numbers are those of its fields."""

    EMPTY = 0
    OPENED = 1
    SCHEMA = 2
    BATCH = 3
    CHECKPOINT = 4
    STATUS = 5
    LOG = 6
    FINISHED = 7


class WriteKind(IntEnum):
    """Kinds of WriteRequest; the numbers are those of its fields."""

    EMPTY = 0
    OPEN = 1
    SCHEMA = 2
    BATCH = 3
    COMMIT = 4


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """A Batch without its payload, which lies at `payload_offset` of the message and has `payload_bytes` bytes."""

    stream: int
    schema_id: int
    batch_seq: int
    rows: int
    crc32c: int
    payload_offset: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What a message is: a number of `ReadKind` or `WriteKind`, or an unknown one, which receivers skip.

    `batch` is set when the kind is BATCH.
    """

    kind: int
    batch: BatchHeader | None = None


_BATCH = 3
_EMPTY_FRAME = Frame(0)
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
"""Wire types of protobuf."""
_STREAM, _SCHEMA_ID, _BATCH_SEQ, _ROWS, _CRC32C, _PAYLOAD = 1, 2, 3, 4, 5, 15
"""Fields of Batch."""
_MAX_FIELD = (1 << 29) - 1
_MORE = 0x80
_MAX_SHIFT = 63


class _Unusual(Exception):
    """The message is not laid out as usual."""


def peek(message: bytes) -> Frame:
    """Say what a serialized ReadResponse or WriteRequest holds.

    Raises Bug (MALFORMED_MESSAGE) when it is not a protobuf message.
    """
    if not message:
        return _EMPTY_FRAME
    try:
        return _look(message)
    except (_Unusual, IndexError, struct.error):
        return _parse(message)


def _look(message: bytes) -> Frame:
    """Read the one field of a message that has just one."""
    tag, at = _varint(message, 0)
    size, at = _varint(message, at)
    kind = tag >> 3
    if tag & 7 != _BYTES or at + size != len(message) or not 0 < kind <= _MAX_FIELD:
        raise _Unusual
    return Frame(kind, _batch_header(message, at) if kind == _BATCH else None)


def _batch_header(message: bytes, at: int) -> BatchHeader:
    """Read the fields in ascending order up to the payload, which must reach to the end."""
    end = len(message)
    stream = schema_id = batch_seq = rows = crc32c = 0
    previous = 0
    while at < end:
        tag, at = _varint(message, at)
        field, wire_type = tag >> 3, tag & 7
        if field <= previous:
            raise _Unusual
        previous = field
        if field == _PAYLOAD and wire_type == _BYTES:
            size, at = _varint(message, at)
            if at + size != end:
                raise _Unusual
            return BatchHeader(stream, schema_id, batch_seq, rows, crc32c, at, size)
        if field == _CRC32C and wire_type == _FIXED32:
            (crc32c,) = struct.unpack_from("<I", message, at)
            at += 4
        elif field <= _ROWS and wire_type == _VARINT:
            value, at = _varint(message, at)
            if field == _STREAM:
                stream = value & 0xFFFFFFFF
            elif field == _SCHEMA_ID:
                schema_id = value & 0xFFFFFFFF
            elif field == _BATCH_SEQ:
                batch_seq = value
            else:
                rows = value
        else:
            raise _Unusual
    return BatchHeader(stream, schema_id, batch_seq, rows, crc32c, end, 0)


def _parse(message: bytes) -> Frame:
    """Let protobuf decide. The fields that both messages share have the same types; the others are only named."""
    try:
        parsed = source_pb2.ReadResponse.FromString(message)
    except DecodeError as error:
        raise Bug(
            f"the peer sent a message that is not protobuf ({len(message)} bytes)", reason="MALFORMED_MESSAGE"
        ) from error
    name = parsed.WhichOneof("message")
    if name is None:
        return _EMPTY_FRAME
    kind = source_pb2.ReadResponse.DESCRIPTOR.fields_by_name[name].number
    if kind != _BATCH:
        return Frame(kind)
    batch = parsed.batch
    offset = message.rfind(batch.ipc_messages) if batch.ipc_messages else len(message)
    return Frame(
        kind,
        BatchHeader(
            batch.stream, batch.schema_id, batch.batch_seq, batch.rows, batch.crc32c, offset, len(batch.ipc_messages)
        ),
    )


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = message[at]
    if value < _MORE:
        return value, at + 1
    value &= 0x7F
    shift = 7
    while True:
        at += 1
        byte = message[at]
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value & 0xFFFFFFFFFFFFFFFF, at + 1
        shift += 7
        if shift > _MAX_SHIFT:
            raise _Unusual
