"""A batch on the wire: its checksum, its number, its schema; and types that survive it."""

from __future__ import annotations

from collections.abc import Iterator

import google_crc32c
import pyarrow as pa
import pytest
from sdk_yielding import read_of
from towpath.connector.v1 import source_pb2, types_pb2
from towpath_sdk import BadRecord, Checkpoint, Record, Stream
from towpath_sdk._wire.batches import BatchDecoder
from towpath_sdk.framing import peek
from towpath_sdk.testing import ReadResult


def batches_of(result: ReadResult) -> list[types_pb2.Batch]:
    """Return the batches as they were on the wire."""
    return [message.batch for message in result.messages if message.WhichOneof("message") == "batch"]


def test_every_batch_bears_a_checksum_of_its_payload() -> None:
    """The broker forwards bytes that it does not read; only the checksum tells whether they arrived."""
    result = read_of([pa.table({"n": range(100_000)})])
    batches = batches_of(result)
    assert len(batches) > 5
    assert [batch.crc32c for batch in batches] == [google_crc32c.value(batch.ipc_messages) for batch in batches]
    assert [batch.batch_seq for batch in batches] == list(range(1, len(batches) + 1))
    assert sum(batch.rows for batch in batches) == 100_000


def test_damaged_payload_is_not_decoded() -> None:
    """Of 300 damaged batches Arrow decoded 154 as if nothing had happened."""
    result = read_of([pa.table({"n": range(10)})])
    (batch,) = batches_of(result)
    (schema,) = [message.schema for message in result.messages if message.WhichOneof("message") == "schema"]
    message = bytearray(source_pb2.ReadResponse(batch=batch).SerializeToString())
    message[-5] ^= 1
    header = peek(bytes(message)).batch
    assert header is not None
    with pytest.raises(BadRecord) as refused:
        BatchDecoder(schema.ipc_schema).decode(bytes(message), header)
    assert refused.value.reason == "CHECKSUM_MISMATCH"


def test_schema_is_announced_before_its_first_batch_and_again_on_change() -> None:
    """A change of schema in mid-stream is normal; a batch under a schema that nobody knows is not."""

    def produce() -> Iterator[Record]:
        yield pa.record_batch({"n": [1]})
        yield pa.record_batch({"n": [2]})
        yield pa.record_batch({"n": [3], "m": ["x"]})
        yield pa.record_batch({"n": [4], "m": ["y"]})
        yield pa.record_batch({"n": [5]})
        yield Stream("things", {"n": pa.int32()})
        yield {"n": 6}
        yield Checkpoint({"n": 6})

    result = read_of(produce())
    told = [
        (message.WhichOneof("message"), (message.schema if message.HasField("schema") else message.batch).schema_id)
        for message in result.messages
        if message.WhichOneof("message") in {"schema", "batch"}
    ]
    assert told == [(kind, schema_id) for schema_id in (1, 2, 3, 4) for kind in ("schema", "batch")]
    assert [batch.num_rows for batch in result.batches] == [2, 2, 1, 1]
    assert [row["n"] for row in result.rows] == [1, 2, 3, 4, 5, 6]


def test_same_schema_is_announced_once() -> None:
    """A schema in every message would cost up to 83 % more bytes."""
    rows: list[Record] = [{"n": n} for n in range(5000)]
    result = read_of([*rows, Checkpoint({}), *rows, Stream("things", {"n": pa.int64()}), *rows], batch_bytes=4096)
    assert len(result.schemas) == 1
    assert len(result.batches) > 10


def test_primary_key_is_announced_with_the_schema() -> None:
    """An upserting destination needs the key before the first row."""
    keyed = Stream("things", {"a": pa.int64(), "b": pa.string()}, primary_key=["b", "a"])
    assert read_of([keyed, {"a": 1, "b": "x"}]).primary_keys == [("b", "a")]
    assert read_of([keyed, {"a": 1, "b": "x"}], columns=["a"]).primary_keys == [()]
    changed = [keyed, Stream("things", keyed.schema, primary_key=["a"])]
    assert read_of(changed).primary_keys == [("b", "a"), ("a",)]


def test_dictionaries_that_change_are_sent_again() -> None:
    """A reader that kept the first dictionary would turn every colour into another one."""
    words = [["red", "green"], ["green", "blue", "red"], ["red", None, "black"]]
    tables: list[Record] = []
    for values in words:
        tables += [pa.table({"colour": pa.array(values * 3000).dictionary_encode()}), Checkpoint({})]
    result = read_of(tables, batch_bytes=16 * 1024)
    assert [row["colour"] for row in result.rows] == [value for values in words for value in values * 3000]
    assert {str(schema.field("colour").type) for schema in result.schemas} == {
        "dictionary<values=string, indices=int32, ordered=0>"
    }


def test_dictionaries_inside_of_lists_and_structs_survive() -> None:
    """`RecordBatch.serialize` loses dictionaries at any depth, without a word."""
    colour = pa.dictionary(pa.int8(), pa.string())
    schema = pa.schema([("car", pa.struct([("colour", colour)])), ("tags", pa.list_(colour))])
    rows = [
        {"car": {"colour": "red"}, "tags": ["a", "b"]},
        {"car": None, "tags": ["b", None]},
        {"car": {"colour": None}, "tags": []},
    ]
    table = pa.Table.from_pylist(rows * 2000, schema=schema)
    result = read_of([table], batch_bytes=8 * 1024)
    assert len(result.batches) > 3
    assert result.table.to_pylist() == table.to_pylist()
    assert result.table.schema.equals(schema)


def test_extension_types_and_metadata_survive() -> None:
    """JSON and UUID are text and bytes to Arrow; that they are more than that is in the extension alone."""
    schema = pa.schema(
        [
            pa.field("id", pa.uuid(), nullable=False),
            pa.field("doc", pa.json_(pa.string()), metadata={"unit": "none"}),
            pa.field("grid", pa.fixed_shape_tensor(pa.int32(), [2, 2])),
        ],
        metadata={"origin": "test"},
    )
    arrays = [
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"] * 3, pa.binary(16))),
        pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(['{"a": 1}', None, "null"])),
        pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int32(), [2, 2]),
            pa.array([[1, 2, 3, 4], None, [0, 0, 0, 0]], pa.list_(pa.int32(), 4)),
        ),
    ]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    result = read_of([batch, batch.slice(1)])
    assert result.table.schema.equals(schema, check_metadata=True)
    assert result.table.equals(pa.Table.from_batches([batch, batch.slice(1)]))


def test_slices_send_their_own_rows_only() -> None:
    """A slice refers to the memory of the whole; sent as it is, ten rows would weigh as much as a million."""
    table = pa.table({"n": range(1_000_000), "t": ["x" * 10] * 1_000_000})
    result = read_of([table.slice(500_000, 10)])
    (batch,) = batches_of(result)
    assert len(batch.ipc_messages) < 2000
    assert [row["n"] for row in result.rows] == list(range(500_000, 500_010))
