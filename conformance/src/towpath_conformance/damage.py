"""How messages are spoilt before they are sent: bits, lengths, and what no version of the protocol has."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random

from google.protobuf.message import Message
from towpath.connector.v1 import destination_pb2, types_pb2

from towpath_conformance.encoding import crc32c

__all__ = ["bit_flips", "cut_off", "lying", "of_unknown_kind", "with_payload", "with_unknown", "with_unknown_in_header"]

_UNKNOWN_FIELD = b"\xfa\x7c\x07unknown"
"""Field 1999 with seven bytes: nobody has it."""
_UNKNOWN_IN_HEADER = b"\x48\x2a"
"""Field 9 with a number: a later minor could give it to Batch, before the payload."""
_PAYLOAD_TAG = b"\x7a"
_CONTINUATION = 4
_ABSURD = 2**60


def bit_flips(message: bytes, count: int, random: Random, spared: range = range(0)) -> Iterator[tuple[str, bytes]]:
    """Yield `count` copies with one bit changed each, and what was changed; no byte within `spared` is."""
    places = [place for place in range(len(message)) if place not in spared]
    for _ in range(count):
        place, bit = random.choice(places), random.randrange(8)
        copy = bytearray(message)
        copy[place] ^= 1 << bit
        yield f"bit {bit} of byte {place} (of {len(message)})", bytes(copy)


def with_payload(batch: types_pb2.Batch, payload: bytes) -> types_pb2.Batch:
    """A copy with another payload, and the checksum that belongs to it."""
    copy = types_pb2.Batch()
    copy.CopyFrom(batch)
    copy.ipc_messages, copy.crc32c = payload, crc32c(payload)
    return copy


def cut_off(payload: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield IPC messages that end too early, and where."""
    metadata = _metadata_end(payload)
    yield "the payload ends 8 bytes early", payload[:-8]
    yield "the payload ends in the middle of the body", payload[: (metadata + len(payload)) // 2]
    yield "the payload ends after the metadata, without its body", payload[:metadata]
    yield "the payload ends within the metadata", payload[: metadata // 2]
    yield "the payload is empty", b""


def lying(payload: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield IPC messages with a length that is not true."""
    metadata, absurd = _metadata_end(payload), struct.pack("<q", _ABSURD)
    yield "the metadata claim to have 2 GiB", payload[:_CONTINUATION] + struct.pack("<i", 2**31 - 1) + payload[8:]
    yield "the metadata claim to have -1 bytes", payload[:_CONTINUATION] + struct.pack("<i", -1) + payload[8:]
    body = struct.pack("<q", len(payload) - metadata)
    if body in payload[:metadata]:
        yield "the body claims to have 2^60 bytes", payload[:metadata].replace(body, absurd) + payload[metadata:]


def with_unknown(message: Message) -> bytes:
    """Serialize a message with a field that no version has."""
    return message.SerializeToString() + _UNKNOWN_FIELD


def with_unknown_in_header(batch: types_pb2.Batch) -> bytes:
    """Serialize a WriteRequest of a batch that has an unknown field, in its place by number: before the payload."""
    header, payload = types_pb2.Batch(), batch.ipc_messages
    header.CopyFrom(batch)
    header.ClearField("ipc_messages")
    body = header.SerializeToString() + _UNKNOWN_IN_HEADER + _PAYLOAD_TAG + _varint(len(payload)) + payload
    return b"\x1a" + _varint(len(body)) + body


def of_unknown_kind() -> bytes:
    """A request with nothing but a field that no version has."""
    return with_unknown(destination_pb2.WriteRequest())


def _metadata_end(payload: bytes) -> int:
    """Where the metadata of the first IPC message end, and its body begins."""
    (size,) = struct.unpack_from("<i", payload, _CONTINUATION)
    return 2 * _CONTINUATION + size


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:  # noqa: PLR2004 seven bits a byte
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
