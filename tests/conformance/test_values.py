"""Comparison of values: what is equal must be identical, and what is identical must be found equal in every form."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from towpath_conformance.iso import days_of, nanoseconds_of
from towpath_conformance.values import arrow_type, as_sent, exact, matrix

MATRIX = matrix()


@pytest.mark.parametrize("name", [name for name in MATRIX.schema.names if name != "interval"])
def test_every_column_equals_itself_after_parquet(name: str) -> None:
    """A matrix that a plain file does not survive would blame every destination."""
    sink = io.BytesIO()
    cast("Any", parquet).write_table(MATRIX.select([name]), sink)
    seen = cast("Any", parquet).read_table(sink)
    assert exact(as_sent(seen.column(name), MATRIX.schema.field(name).type)) == exact(MATRIX.column(name))


@pytest.mark.parametrize("name", [name for name in MATRIX.schema.names if name != "id"])
def test_values_of_a_column_are_told_from_one_another(name: str) -> None:
    """Two values that compare as equal would hide the loss of either."""
    values = exact(MATRIX.column(name))
    distinct = {repr(value) for value in values}
    repeated = len({str(value) for value in MATRIX.column(name).to_pylist()}) if name == "dictionary" else None
    assert len(distinct) == (repeated or len(set(map(repr, values))))
    assert values[-1] is None


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (pa.array([0.0]), pa.array([-0.0])),
        (pa.array([""]), pa.array([None], pa.string())),
        (pa.array([2**53 + 1]), pa.array([float(2**53)])),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", tz="UTC"))),
        (pa.array([0], pa.timestamp("us", tz="UTC")), pa.array([0], pa.timestamp("us"))),
        (pa.array([0], pa.timestamp("us")), pa.array(["1970-01-01T00:00:00Z"])),
        (pa.array([1], pa.timestamp("us")), pa.array(["1970-01-01T00:00:00.000"])),
        (pa.array([[]], pa.list_(pa.int64())), pa.array([None], pa.list_(pa.int64()))),
        (pa.array([b"\x00"]), pa.array([b""])),
    ],
)
def test_a_changed_value_is_noticed(sent: Any, seen: Any) -> None:
    """Each of these was the way in which some real destination lost something."""
    assert exact(as_sent(seen, sent.type)) != exact(sent)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (pa.array([1], pa.timestamp("us")), pa.array([1000], pa.timestamp("ns"))),
        (pa.array(["x"]), pa.array(["x"], pa.large_string())),
        (pa.array(["x", None]).dictionary_encode(), pa.array(["x", None])),
        (pa.array([7], pa.int8()), pa.array([7], pa.int64())),
        (pa.array([0], pa.timestamp("us", tz="UTC")), pa.array(["1970-01-01T02:00:00+02:00"])),
        (pa.array([86_399_999_999], pa.time64("us")), pa.array(["23:59:59.999999"])),
        (pa.array([0.1]), pa.array(["0.1"])),
    ],
)
def test_another_form_of_the_same_value_is_equal(sent: Any, seen: Any) -> None:
    """A destination may store a value in a wider type, and a reader may see text."""
    assert exact(as_sent(seen, sent.type)) == exact(sent)


@given(st.dates())
def test_dates_are_read_as_python_reads_them(day: date) -> None:
    """Python is the witness for the years that it knows."""
    assert days_of(day.isoformat()) == (day - date(1970, 1, 1)).days


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_moments_are_read_as_python_reads_them(moment: datetime, offset: int) -> None:
    """Likewise, in every zone."""
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    text = f"{moment.isoformat()}{sign}{minutes // 60:02}:{minutes % 60:02}"
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC) - timedelta(minutes=offset)
    assert nanoseconds_of(text) == since // timedelta(microseconds=1) * 1000


def test_far_years_are_read() -> None:
    """Databases know years that Python does not: PostgreSQL's first and last day, the last microsecond of an int64."""
    assert days_of("-4713-11-24") == -2_440_588
    assert days_of("5874897-12-31") == 2_145_042_905
    assert nanoseconds_of("294247-01-10T04:00:54.775807Z") == (2**63 - 1) * 1000
    assert nanoseconds_of("yesterday") is None


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("int64", pa.int64()),
        ("decimal128(10, 2)", pa.decimal128(10, 2)),
        ("decimal256(76,-3)", pa.decimal256(76, -3)),
        ("timestamp[us, tz=Europe/Berlin]", pa.timestamp("us", tz="Europe/Berlin")),
    ],
)
def test_types_have_the_names_that_arrow_prints(name: str, type_: pa.DataType) -> None:
    """A case file names types as messages do."""
    assert arrow_type(name) == type_
