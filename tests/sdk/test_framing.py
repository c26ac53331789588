"""A broker reads the header of a batch from raw bytes; whatever they are, it must read what protobuf would."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2
from towpath_sdk import Bug
from towpath_sdk.framing import BatchHeader, ReadKind, WriteKind, peek

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
BATCHES = st.builds(
    types_pb2.Batch,
    stream=U32,
    schema_id=U32,
    batch_seq=U64,
    rows=U64,
    crc32c=U32,
    ipc_messages=st.binary(max_size=300),
)

seeded = settings(max_examples=300, deadline=None, derandomize=True)
"""The same examples on every machine, however loaded."""


def header_by_protobuf(message: bytes) -> tuple[int, int, int, int, int, bytes] | None:
    """Return what protobuf reads, None for what is no batch. Raises DecodeError."""
    response = source_pb2.ReadResponse.FromString(message)
    if response.WhichOneof("message") != "batch":
        return None
    batch = response.batch
    return batch.stream, batch.schema_id, batch.batch_seq, batch.rows, batch.crc32c, batch.ipc_messages


def header_by_peek(message: bytes) -> tuple[int, int, int, int, int, bytes] | None:
    """Return what `peek` reads, None for what is no batch."""
    header = peek(message).batch
    if header is None:
        return None
    payload = message[header.payload_offset : header.payload_offset + header.payload_bytes]
    return header.stream, header.schema_id, header.batch_seq, header.rows, header.crc32c, payload


@seeded
@given(BATCHES)
def test_header_is_what_protobuf_reads(batch: types_pb2.Batch) -> None:
    """A row count read wrongly would fail every commit, or worse, none."""
    for message in (source_pb2.ReadResponse(batch=batch), destination_pb2.WriteRequest(batch=batch)):
        raw = message.SerializeToString()
        assert header_by_peek(raw) == header_by_protobuf(raw)


@seeded
@given(BATCHES, st.permutations(range(6)), st.binary(max_size=20))
def test_fields_in_another_order_are_read_as_well(batch: types_pb2.Batch, order: list[int], unknown: bytes) -> None:
    """Protobuf promises no order; a connector in another language may write another one, and fields yet unknown."""
    parts = [
        types_pb2.Batch(stream=batch.stream),
        types_pb2.Batch(schema_id=batch.schema_id),
        types_pb2.Batch(batch_seq=batch.batch_seq),
        types_pb2.Batch(rows=batch.rows),
        types_pb2.Batch(crc32c=batch.crc32c),
        types_pb2.Batch(ipc_messages=batch.ipc_messages),
    ]
    inner = b"".join(parts[i].SerializeToString() for i in order) + b"\x62" + bytes([len(unknown)]) + unknown
    for raw in (_in_batch_field(inner), _in_batch_field(inner) + b"\x5a\x01\x00"):
        assert header_by_peek(raw) == header_by_protobuf(raw)


@seeded
@given(BATCHES, st.data())
def test_damaged_message_is_read_as_protobuf_reads_it_or_refused(batch: types_pb2.Batch, data: st.DataObject) -> None:
    """Bytes from another process are not to be trusted, and no damage may end the broker."""
    raw = bytearray(source_pb2.ReadResponse(batch=batch).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(raw) - 1))
        raw[position] = data.draw(st.integers(0, 255))
    message = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        expected = header_by_protobuf(message)
    except DecodeError:
        assert _refused_or_no_batch(message)
    else:
        assert header_by_peek(message) == expected


@seeded
@given(st.binary(max_size=60))
def test_garbage_is_refused_or_named(garbage: bytes) -> None:
    """Whatever comes, there is an answer and never a crash."""
    try:
        expected = header_by_protobuf(garbage)
    except DecodeError:
        assert _refused_or_no_batch(garbage)
    else:
        assert header_by_peek(garbage) == expected


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (source_pb2.ReadResponse(), ReadKind.EMPTY),
        (source_pb2.ReadResponse(opened=source_pb2.ReadOpened()), ReadKind.OPENED),
        (source_pb2.ReadResponse(schema=types_pb2.SchemaAnnounce(schema_id=1)), ReadKind.SCHEMA),
        (source_pb2.ReadResponse(batch=types_pb2.Batch()), ReadKind.BATCH),
        (source_pb2.ReadResponse(checkpoint=types_pb2.Checkpoint(state=b"x")), ReadKind.CHECKPOINT),
        (source_pb2.ReadResponse(status=types_pb2.StreamStatus(stream=2)), ReadKind.STATUS),
        (source_pb2.ReadResponse(log=types_pb2.LogEntry(message="m")), ReadKind.LOG),
        (source_pb2.ReadResponse(finished=source_pb2.ReadFinished()), ReadKind.FINISHED),
        (destination_pb2.WriteRequest(open=destination_pb2.WriteOpen(write_id="w")), WriteKind.OPEN),
        (destination_pb2.WriteRequest(schema=types_pb2.SchemaAnnounce()), WriteKind.SCHEMA),
        (destination_pb2.WriteRequest(commit=destination_pb2.WriteCommit(commit_seq=9)), WriteKind.COMMIT),
    ],
)
def test_kind_is_the_number_of_the_field(
    message: source_pb2.ReadResponse | destination_pb2.WriteRequest, kind: int
) -> None:
    """The broker decides by it what to parse and what to pass on."""
    assert peek(message.SerializeToString()).kind == kind


def test_kind_of_a_later_protocol_is_passed_by() -> None:
    """A newer connector may send kinds that this broker does not know; it skips them."""
    assert peek(b"\xa2\x06\x02\x08\x01").kind == 100


def test_payload_is_found_where_it_lies() -> None:
    """The checksum is computed over these bytes and no others."""
    raw = source_pb2.ReadResponse(batch=types_pb2.Batch(rows=1, ipc_messages=b"payload")).SerializeToString()
    assert peek(raw).batch == BatchHeader(0, 0, 0, 1, 0, len(raw) - 7, 7)


def _in_batch_field(inner: bytes) -> bytes:
    """Wrap serialized fields as ReadResponse.batch."""
    size = len(inner)
    encoded = bytearray()
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    encoded.append(size)
    return b"\x1a" + bytes(encoded) + inner


def _refused_or_no_batch(message: bytes) -> bool:
    """Kinds other than batches are named without being parsed: who parses them refuses them."""
    try:
        return peek(message).batch is None
    except Bug as refused:
        return refused.reason == "MALFORMED_MESSAGE"
