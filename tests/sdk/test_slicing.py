"""Batches of about the wanted size, whatever an author yields; and nothing skipped for its size."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest
from sdk_yielding import STREAM, Yielding, read_of
from towpath.connector.v1 import connector_pb2
from towpath_sdk import BadRecord, Checkpoint, Record
from towpath_sdk.testing import ReadResult, connector_under_test

KIB = 1024
TEXTS = pa.schema([("id", pa.int64()), ("text", pa.string())])


def sizes(result: ReadResult) -> list[int]:
    """Return the payload sizes of all batches."""
    batches = [message.batch for message in result.messages if message.WhichOneof("message") == "batch"]
    return [len(batch.ipc_messages) for batch in batches]


def text_table(rows: int, width: int) -> pa.Table:
    """Return a table of `rows` texts of `width` characters, each telling its row."""
    return pa.table({"id": range(rows), "text": [f"{i:0{width}d}" for i in range(rows)]}, schema=TEXTS)


@pytest.mark.parametrize("as_what", ["rows", "one table", "one batch", "table of many chunks", "many small batches"])
def test_batches_have_about_the_wanted_size(as_what: str) -> None:
    """Tiny messages cost most of the speed, huge ones the memory of three processes."""
    table = text_table(20_000, 100)
    (whole,) = table.to_batches()
    small = [whole.slice(start, 7) for start in range(0, whole.num_rows, 7)]
    records: Sequence[Record] = {
        "rows": list(table.to_pylist()),
        "one table": [table],
        "one batch": [whole],
        "table of many chunks": [pa.Table.from_batches(small)],
        "many small batches": small,
    }[as_what]
    result = read_of(records, schema=TEXTS, batch_bytes=64 * KIB)
    assert result.table.equals(table)
    assert max(sizes(result)) <= 96 * KIB
    assert min(sizes(result)[:-1]) >= 16 * KIB
    assert len(sizes(result)) <= 140


def test_rows_of_very_different_size_are_cut_by_bytes() -> None:
    """Cutting by rows would put all of the large rows into one message."""
    chance = random.Random(7)
    widths = [chance.choice([1, 10, 50_000]) for _ in range(600)]
    table = pa.table({"id": range(600), "text": ["x" * width for width in widths]}, schema=TEXTS)
    result = read_of([table], batch_bytes=256 * KIB)
    assert result.table.equals(table)
    assert max(sizes(result)) <= 384 * KIB


def test_one_huge_row_passes_alone() -> None:
    """A 20 MB value is data like any other; only the negotiated limit may refuse it."""
    rows: list[Record] = [{"id": 1, "text": "a"}, {"id": 2, "text": "b" * 20_000_000}, {"id": 3, "text": "c"}]
    result = read_of(rows, schema=TEXTS)
    assert [len(str(row["text"])) for row in result.rows] == [1, 20_000_000, 1]
    assert max(batch.num_rows for batch in result.batches if batch.nbytes > 10_000_000) <= 2


def test_row_above_the_limit_fails_its_stream_loudly() -> None:
    """A row that is skipped for its size is a row that is lost in silence."""
    rows = [{"id": 1, "text": "a"}, {"id": 2, "text": "b" * 300_000}]
    with connector_under_test(Yielding(lambda _stream, _context: rows, TEXTS)) as connector:
        connector.handshake(connector_pb2.Limits(max_batch_bytes=100_000))
        result = connector.read({}, STREAM, may_fail=True)
    assert isinstance(result.failure, BadRecord)
    assert result.failure.reason == "ROW_TOO_LARGE"
    assert STREAM in result.failure.message
    assert "100000" in result.failure.message
    assert not result.complete
    assert [row["id"] for row in result.rows] == [1]


def test_batch_above_the_limit_is_divided() -> None:
    """The limit of the other side counts, not the size that this one prefers."""
    table = text_table(1000, 100)
    with connector_under_test(Yielding(lambda _stream, _context: [table], TEXTS)) as connector:
        connector.handshake(connector_pb2.Limits(max_batch_bytes=10_000))
        result = connector.read({}, STREAM)
    assert result.table.equals(table)
    assert max(sizes(result)) <= 10_000


def test_dictionary_larger_than_a_batch_is_sent_once() -> None:
    """Sent with every slice, a dictionary of 2 MB would turn 80 kB of indices into gigabytes."""
    dictionary = pa.array([f"{i:0200d}" for i in range(10_000)])
    indices = pa.array([i * 7 % 10_000 for i in range(200_000)], pa.int32())
    table = pa.table({"word": pa.DictionaryArray.from_arrays(indices, dictionary)})
    result = read_of([table], batch_bytes=64 * KIB)
    assert result.table.equals(table)
    assert sum(sizes(result)) < 2 * table.nbytes
    assert len(sizes(result)) < 30


@pytest.mark.parametrize("data_type", [pa.string_view(), pa.list_view(pa.int64())])
def test_views_cannot_be_cut_but_pass(data_type: pa.DataType) -> None:
    """A slice of a view still carries all of its data: cutting it small would multiply them."""
    values = (
        [[i] * 20 for i in range(5000)] if pa.types.is_list_view(data_type) else [f"{i:0100d}" for i in range(5000)]
    )
    table = pa.table({"v": pa.array(values, data_type)})
    result = read_of([table], batch_bytes=64 * KIB)
    assert result.table.to_pylist() == table.to_pylist()
    assert sum(sizes(result)) < 3 * table.nbytes


def test_rows_before_a_checkpoint_leave_before_it() -> None:
    """A checkpoint that overtakes its rows would lose them after a crash."""

    def produce() -> Iterator[Record]:
        for n in range(10):
            yield {"n": n}
            yield pa.record_batch({"n": [n]})
            yield Checkpoint({"n": n})

    result = read_of(produce())
    kinds = [message.WhichOneof("message") for message in result.messages]
    assert [checkpoint.rows for checkpoint in result.checkpoints] == [2] * 10
    assert [row["n"] for row in result.rows] == [n for n in range(10) for _ in range(2)]
    for checkpoint in result.checkpoints:
        position = kinds.index("checkpoint")
        assert kinds[position - 1] == "batch"
        kinds[position] = "passed"
        assert checkpoint.up_to_batch_seq == kinds[:position].count("batch")


def test_empty_batches_and_tables_announce_a_schema_and_send_nothing() -> None:
    """The protocol knows no batch without rows; an empty table still has columns to create."""
    empty = pa.table({"n": pa.array([], pa.int64())})
    result = read_of([empty, empty.to_batches()[0] if empty.to_batches() else empty])
    assert result.batches == []
    assert [schema.names for schema in result.schemas] == [["n"]]
    assert result.complete


def test_stream_that_yields_nothing_announces_the_schema_of_its_catalogue() -> None:
    """A destination creates the table of an empty stream from it."""
    result = read_of([], schema=TEXTS)
    assert result.schemas == [TEXTS]
    assert result.num_rows == 0
    assert result.complete


def test_rows_of_no_bytes_are_counted() -> None:
    """A batch of nulls weighs nothing, and has rows all the same."""
    table = pa.table({"nothing": pa.nulls(300_000)})
    result = read_of([table], batch_bytes=64 * KIB)
    assert result.num_rows == 300_000
