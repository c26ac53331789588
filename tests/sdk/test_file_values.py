"""Every type with its extremes, in every format, value by value, as independent readers see them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from file_steps import encoded, form_of
from file_values import SAMPLES, Sample
from towpath_sdk.files import shown_texts

EVERY_SAMPLE = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection.execute("set timezone = 'UTC'")


def pieces(values: Any) -> list[pa.RecordBatch]:
    """The column whole, then again in pieces that begin and end in the midst of their buffers."""
    batch = pa.record_batch([values, pa.array(range(len(values)))], names=["c", "n"])
    return [batch, batch.slice(0, 1), batch.slice(1)]


def twice(values: Sequence[Any]) -> list[Any]:
    """What is read of `pieces`."""
    return [*values, *values]


def bits(column: pa.ChunkedArray[Any]) -> Any:
    """Floats as integers, so that NaN equals itself and 0 does not equal -0."""
    array: Any = column.combine_chunks()
    if pa.types.is_list(array.type) and pa.types.is_floating(array.type.value_type):
        return pa.array(array.offsets.to_pylist()), bits(pa.chunked_array([array.flatten()]))
    return array.view(f"int{array.type.bit_width}") if pa.types.is_floating(array.type) else array


def alike(found: Any, expected: Any) -> bool:
    """Equal, the sign of zero included."""
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(alike, found, expected))
    if isinstance(expected, float) and isinstance(found, int | float):
        return found == expected and math.copysign(1, found) == math.copysign(1, expected)
    return type(found) is type(expected) and found == expected


@EVERY_SAMPLE
def test_parquet_gives_back_types_and_values(sample: Sample) -> None:
    """Parquet is what most users read: nothing may be narrowed or moved."""
    read = pq.read_table(io.BytesIO(encoded(form_of("parquet"), pieces(sample.values)))).column("c")
    expected = pa.chunked_array([batch.column(0) for batch in pieces(sample.parquet)])
    assert read.type == expected.type
    assert bits(read) == bits(expected)


@EVERY_SAMPLE
def test_duckdb_reads_the_same_values_from_parquet_and_from_csv(
    sample: Sample, tmp_path: Path, duck: duckdb.DuckDBPyConnection
) -> None:
    """Another implementation than Arrow's agrees, and takes the texts in CSV files for the same values."""
    parquet, text = tmp_path / "c.parquet", tmp_path / "c.csv"
    parquet.write_bytes(encoded(form_of("parquet"), pieces(sample.values)[:1]))
    text.write_bytes(encoded(form_of("csv"), pieces(sample.values)[:1]))
    table = f"read_csv('{text}', header = true, all_varchar = true, allow_quoted_nulls = false)"
    assert duck.sql(f"select c from {table} order by n::int").fetchall() == [(cell,) for cell in sample.csv]
    if sample.duckdb is None:
        assert sample.note
        return
    ((type_,),) = duck.sql(f"select distinct typeof(c) from '{parquet}'").fetchall()
    value = sample.duckdb.format(type=type_)
    differing = f"select t, p.c, p.c::text from (select n::int as n, c as t from {table}) join '{parquet}' p using (n) "
    assert duck.sql(f"{differing} where p.c is distinct from {value}").fetchall() == []
    assert duck.sql(f"select count(*) from '{parquet}'").fetchall() == [(len(sample.csv),)]


@EVERY_SAMPLE
def test_each_json_line_holds_the_values(sample: Sample) -> None:
    """A line that json.loads refuses, or that holds another value, is a lost row."""
    lines = encoded(form_of("jsonl"), pieces(sample.values)).decode().split("\n")
    assert lines.pop() == ""
    assert alike([json.loads(line)["c"] for line in lines], twice(sample.json))


@EVERY_SAMPLE
def test_csv_cells_hold_the_values(sample: Sample) -> None:
    """NULL and the empty text look alike to the csv module; DuckDB tells them apart."""
    text = encoded(form_of("csv"), pieces(sample.values)).decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["c", "n"]
    assert [line[0] for line in lines] == [cell or "" for cell in twice(sample.csv)]


@EVERY_SAMPLE
def test_every_type_is_shown_to_people_as_text(sample: Sample) -> None:
    """A preview of a stream must not fail because one of its columns is exotic."""
    assert shown_texts(sample.values) == list(sample.csv)


def test_what_no_file_can_hold_is_shown_as_well() -> None:
    """A union, and nested documents that are no JSON: whoever looks sees something, not a failure."""
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, None]), pa.array(["", "two"])])
    assert shown_texts(union) == ["1", "two"]
    document = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["{nothing"]))
    assert shown_texts(pa.StructArray.from_arrays([document], ["d"])) == ["{'d': '{nothing'}"]
