"""Rows as dicts: gathered under the declared schema, and refused with the row and the column that are at fault."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import uuid
from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa
import pytest
from sdk_yielding import read_of
from towpath_sdk import BadRecord, Misconfigured, Record, Stream

PEOPLE = pa.schema(
    [pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string()), pa.field("score", pa.float64())]
)


def test_missing_values_are_null_and_empty_ones_are_not() -> None:
    """NULL and the empty text are two things, at every source and every destination."""
    rows: list[Record] = [{"id": 1}, {"id": 2, "name": "", "score": math.nan}, {"id": 3, "name": None}]
    result = read_of(rows, schema=PEOPLE)
    assert [row["name"] for row in result.rows] == [None, "", None]
    assert result.table["score"].null_count == 2
    assert math.isnan(float(str(result.rows[1]["score"])))


def test_order_of_the_names_does_not_matter() -> None:
    """A dict has no columns in order; the schema does."""
    rows: list[Record] = [
        {"score": 0.5, "name": "Ada", "id": 1},
        MappingProxyType({"name": "Grace", "id": 2, "score": 1.0}),
    ]
    assert read_of(rows, schema=PEOPLE).rows == [
        {"id": 1, "name": "Ada", "score": 0.5},
        {"id": 2, "name": "Grace", "score": 1.0},
    ]


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ({"id": 5_001, "name": 5}, "UNFIT_VALUE", ["row 5001", "'name'", "string"]),
        ({"id": 2**63, "name": "x"}, "UNFIT_VALUE", ["row 5001", "'id'", "int64"]),
        ({"id": 5_001, "nmae": "x"}, "UNDECLARED_COLUMN", ["row 5001", "'nmae'"]),
        ({"id": 5_001, "name": "x", "score": 1.0, "more": 1}, "UNDECLARED_COLUMN", ["row 5001", "'more'"]),
        ({"name": "x"}, "MISSING_VALUE", ["row 5001", "'id'"]),
        ({"id": None, "name": "x", "score": 1.0}, "MISSING_VALUE", ["row 5001", "'id'"]),
    ],
)
def test_row_at_fault_is_named_by_number_and_column(fault: Mapping[str, object], reason: str, words: list[str]) -> None:
    """Among a million rows nobody finds the bad one without its number, counted over the whole read."""
    good = [{"id": n, "name": f"{n:030d}", "score": 0.5} for n in range(5_000)]
    result = read_of([*good, fault, *good[:10]], schema=PEOPLE, batch_bytes=16 * 1024, may_fail=True)
    assert isinstance(result.failure, BadRecord)
    assert result.failure.reason == reason
    for word in [*words, "things"]:
        assert word in result.failure.message
    assert result.num_rows <= 5_000


def test_fault_does_not_quote_the_row() -> None:
    """Rows hold what people must not see in logs; the type and the place are enough to find the value."""
    result = read_of([{"id": "123-45-6789", "name": "x", "score": 1.0}], schema=PEOPLE, may_fail=True)
    assert isinstance(result.failure, BadRecord)
    assert "123-45-6789" not in result.failure.message


def test_chosen_columns_come_in_the_order_that_was_asked_for() -> None:
    """A column that was not selected is not sent, even if the author yields it."""
    rows: list[Record] = [{"id": 1, "name": "Ada", "score": 0.5}, {"score": 1.0, "id": 2}]
    table = pa.Table.from_pylist([{"id": 3, "name": "x", "score": 2.0}], schema=PEOPLE)
    result = read_of([*rows, table], schema=PEOPLE, columns=["score", "id"])
    assert [list(row.items()) for row in result.rows] == [
        [("score", 0.5), ("id", 1)],
        [("score", 1.0), ("id", 2)],
        [("score", 2.0), ("id", 3)],
    ]


@pytest.mark.parametrize("record", [{"id": 1}, pa.record_batch({"id": [1]}), Stream("things", PEOPLE)])
def test_unknown_column_is_refused_with_a_choice(record: Record) -> None:
    """A column that was dropped at the source is the user's to deselect."""
    result = read_of([record], schema=PEOPLE, columns=["id", "gone"], may_fail=True)
    assert isinstance(result.failure, Misconfigured)
    assert result.failure.reason == "UNKNOWN_COLUMN"
    assert "gone" in result.failure.message
    assert "columns[1]" in result.failure.fields


def test_values_of_every_kind_arrive_as_they_were() -> None:
    """Whatever Python can hold and Arrow can name must not change on the way."""
    schema = pa.schema(
        [
            ("flag", pa.bool_()),
            ("small", pa.int8()),
            ("unsigned", pa.uint64()),
            ("amount", pa.decimal128(38, 10)),
            ("huge", pa.decimal256(76, 0)),
            ("day", pa.date32()),
            ("time", pa.time64("us")),
            ("local", pa.timestamp("us")),
            ("instant", pa.timestamp("us", "Europe/Amsterdam")),
            ("took", pa.duration("us")),
            ("raw", pa.binary()),
            ("fixed", pa.binary(3)),
            ("tags", pa.list_(pa.string())),
            ("point", pa.struct([("x", pa.float64()), ("y", pa.float64())])),
            ("labels", pa.map_(pa.string(), pa.int64())),
            ("category", pa.dictionary(pa.int8(), pa.string())),
            ("key", pa.uuid()),
        ]
    )
    row: dict[str, object] = {
        "flag": True,
        "small": -128,
        "unsigned": 2**64 - 1,
        "amount": decimal.Decimal("9999999999999999999999999999.0123456789"),
        "huge": decimal.Decimal(10**75),
        "day": dt.date(1, 1, 1),
        "time": dt.time(23, 59, 59, 999_999),
        "local": dt.datetime(9999, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001 a time without a zone is the point
        "instant": dt.datetime(2024, 3, 31, 1, 30, tzinfo=dt.UTC),
        "took": dt.timedelta(days=-1, microseconds=1),
        "raw": b"\0\xff",
        "fixed": b"abc",
        "tags": ["", None, "x"],
        "point": {"x": 1.5, "y": None},
        "labels": [("a", 1), ("b", None)],
        "category": "red",
        "key": uuid.UUID(int=7).bytes,
    }
    nulls: Mapping[str, object] = dict.fromkeys(row)
    result = read_of([row, nulls, row], schema=schema)
    expected = {**row, "key": uuid.UUID(int=7)}
    assert result.rows == [expected, nulls, expected]
    assert result.table.schema.equals(schema, check_metadata=True)


def test_something_else_than_a_record_is_a_bug_of_the_source() -> None:
    """The author sees in the first test what may be yielded."""
    result = read_of([["not", "a", "record"]], may_fail=True)  # pyright: ignore[reportArgumentType]
    assert result.failure is not None
    assert result.failure.kind.value == "Bug"
    assert "yielded a list" in result.failure.message
