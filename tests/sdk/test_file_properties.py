"""Whatever the values are: what readers find in JSON Lines and CSV is what was written."""

from __future__ import annotations

import csv
import io
import json
import math
import struct
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
from file_steps import encoded, form_of
from hypothesis import given
from hypothesis import strategies as st
from towpath_sdk.files.calendar import date_texts, timestamp_texts

JSONL, CSV = form_of("jsonl"), form_of("csv")
TEXTS = st.lists(st.none() | st.text(max_size=20), min_size=1, max_size=20)
WIDE = Context(prec=100)
CUTS = st.tuples(st.integers(0, 5), st.integers(0, 5))


def cut(values: list[Any], type_: Any, start: int, end: int) -> tuple[pa.RecordBatch, list[Any]]:
    """A batch that begins and ends in the midst of its buffers, and what it holds."""
    stop = max(start, len(values) - end)
    batch = pa.record_batch([pa.array(values, type_), pa.array(range(len(values)))], names=["c", "n"])
    return batch.slice(start, stop - start), values[start:stop]


def json_column(batch: pa.RecordBatch) -> list[Any]:
    return [json.loads(line)["c"] for line in encoded(JSONL, [batch]).decode().split("\n")[:-1]]


def csv_column(batch: pa.RecordBatch) -> list[str]:
    text = encoded(CSV, [batch]).decode()
    return [line[0] for line in csv.reader(io.StringIO(text, newline=""), strict=True)][1:]


def bits(value: float) -> bytes:
    """The double itself; one NaN is as good as another."""
    return struct.pack("d", math.nan if math.isnan(value) else value)


def unquoted(batch: pa.RecordBatch) -> list[bool]:
    """Which cells are empty without quotes, which is how NULL is written."""
    texts = [None if text is None else "" for text in batch.column(0).to_pylist()]
    alone = pa.record_batch([pa.array(texts, pa.string())], names=["c"])
    return [line == "" for line in encoded(CSV, [alone]).decode().split("\n")[1:-1]]


@given(TEXTS, CUTS)
def test_texts_come_back(values: list[str | None], cuts: tuple[int, int]) -> None:
    """Texts hold anything: quotes, line ends of every alphabet, control characters."""
    batch, expected = cut(values, pa.string(), *cuts)
    assert json_column(batch) == expected
    assert csv_column(batch) == [text or "" for text in expected]
    assert unquoted(batch) == [text is None for text in expected]


@given(st.lists(st.none() | st.lists(st.none() | st.text(max_size=5), max_size=4), min_size=1), CUTS)
def test_lists_of_texts_come_back(values: list[list[str | None] | None], cuts: tuple[int, int]) -> None:
    """In a list, quotes are escaped twice: for JSON, then for CSV."""
    batch, expected = cut(values, pa.list_(pa.string()), *cuts)
    assert json_column(batch) == expected
    assert [json.loads(cell) if cell else None for cell in csv_column(batch)] == expected


@given(
    st.lists(
        st.none()
        | st.fixed_dictionaries({"a": st.none() | st.integers(-5, 5), "b": st.none() | st.lists(st.text(max_size=3))})
    ),
    CUTS,
)
def test_structs_come_back(values: list[dict[str, Any] | None], cuts: tuple[int, int]) -> None:
    """A NULL struct is null, not an object of nulls."""
    type_ = pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))])
    batch, expected = cut(values, type_, *cuts)
    assert json_column(batch) == expected


@given(st.lists(st.floats()), CUTS)
def test_doubles_come_back_bit_by_bit(values: list[float], cuts: tuple[int, int]) -> None:
    """The shortest text that means the same double is enough, and one digit less is not."""
    batch, expected = cut(values, pa.float64(), *cuts)
    assert [bits(float(value)) for value in json_column(batch)] == [bits(value) for value in expected]
    assert [bits(float(value)) for value in csv_column(batch)] == [bits(value) for value in expected]


@given(st.integers(1, 76).flatmap(lambda digits: st.tuples(st.just(digits), st.integers(0, digits))), st.data())
def test_decimals_are_written_out_digit_by_digit(shape: tuple[int, int], data: st.DataObject) -> None:
    """An exponent is read as a floating-point number by many, which 38 digits do not survive."""
    digits, scale = shape
    largest = 10**digits - 1
    whole = data.draw(st.lists(st.none() | st.integers(-largest, largest), min_size=1, max_size=5))
    type_ = pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
    values = [None if number is None else Decimal(number).scaleb(-scale, context=WIDE) for number in whole]
    batch, expected = cut(values, type_, 0, 0)
    assert json_column(batch) == [None if number is None else f"{number:f}" for number in expected]


@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_dates_beyond_any_calendar_are_written(days: list[int]) -> None:
    """Arrow writes a complaint instead of a year it does not know."""
    texts = date_texts(pa.array(days, pa.int32()).cast(pa.date32())).to_pylist()
    assert [day_of(text) for text in texts] == days


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.sampled_from(["ms", "us", "ns"]))
def test_moments_beyond_any_calendar_are_written(moments: list[int], unit: str) -> None:
    """Microseconds reach to the year 294247, further than Arrow writes."""
    type_: Any = pa.timestamp
    per_second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    for text, moment in zip(timestamp_texts(pa.array(moments, type_(unit))).to_pylist(), moments, strict=True):
        date, time = text.split("T")
        hours, minutes, seconds = time.split(":")
        whole = day_of(date) * 86_400 + int(hours) * 3600 + int(minutes) * 60
        assert whole * per_second + int(Decimal(seconds) * per_second) == moment


def day_of(text: str) -> int:
    """Days since 1970 of a date of the proleptic Gregorian calendar, counted by another rule than the destination's.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    """
    year_text, month_text, day_text = text.rsplit("-", 2)
    year, month, day = int(year_text), int(month_text), int(day_text)
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
