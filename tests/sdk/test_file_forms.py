"""Files as wholes: compression, row groups, files without rows, and documents that are none."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from file_steps import encoded, form_of, rows
from towpath_sdk import BadRecord
from towpath_sdk.files import encoder_for, extension

BATCHES = [rows(1, 3), rows(4, 4)]


def plain(compression: str, data: bytes) -> bytes:
    if compression == "gzip":
        return gzip.decompress(data)
    return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read() if compression == "zstd" else data


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
def test_parquet_is_compressed_as_asked(compression: str) -> None:
    """Some readers know only some codecs; whoever chose one relies on it."""
    file = pq.ParquetFile(io.BytesIO(encoded(form_of("parquet", compression=compression), BATCHES)))
    codecs = {file.metadata.row_group(0).column(index).compression for index in range(2)}
    assert codecs == {"UNCOMPRESSED" if compression == "none" else compression.upper()}
    assert file.read().equals(pa.Table.from_batches(BATCHES))


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_text_is_compressed_as_asked(kind: str, compression: str, tmp_path: Path) -> None:
    """DuckDB takes the codec from the name, so name and content must agree."""
    form = form_of(kind, compression=compression)
    data = encoded(form, BATCHES)
    assert plain(compression, data).count(b"\n") == (4 if kind == "jsonl" else 5)
    path = tmp_path / f"rows.{extension(form)}"
    path.write_bytes(data)
    reader = "read_json" if kind == "jsonl" else "read_csv"
    found = duckdb.sql(f"select id, name from {reader}('{path}') order by id").fetchall()
    assert found == [(number, f"order {number}") for number in range(1, 5)]


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_encoder_leaves_its_sink_open(kind: str, compression: str) -> None:
    """The end of the upload is for its owner to decide."""
    sink = io.BytesIO()
    encoder = encoder_for(form_of(kind, compression=compression), rows(1, 1).schema, sink)
    encoder.write(rows(1, 1))
    encoder.close()
    assert not sink.closed


def test_files_without_rows_are_files() -> None:
    """A file that a reader cannot open would break every query on the folder."""
    empty = rows(1, 1).slice(0, 0)
    assert pq.read_table(io.BytesIO(encoded(form_of("parquet"), [empty]))).schema == empty.schema
    assert encoded(form_of("jsonl"), [empty]) == b""
    assert encoded(form_of("csv"), [empty]) == b'"id","name"\n'


def test_row_groups_gather_batches_up_to_their_size() -> None:
    """Tiny row groups make large and slow files; huge ones cost memory when many files are open."""
    batch = pa.record_batch({"n": pa.array(range(4096), pa.int64())})  # 32 KiB
    file = pq.ParquetFile(io.BytesIO(encoded(form_of("parquet", row_group_bytes=1 << 16), [batch] * 5)))
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [8192, 8192, 4096]


def test_columns_of_one_text_repeat_in_a_dictionary_and_unique_ones_do_not() -> None:
    """A dictionary of values that never repeat costs time and space for nothing."""
    batch = pa.record_batch({"same": ["x"] * 20_000, "unique": [str(number) for number in range(20_000)]})
    group = pq.ParquetFile(io.BytesIO(encoded(form_of("parquet"), [batch]))).metadata.row_group(0)
    assert ["RLE_DICTIONARY" in group.column(index).encodings for index in range(2)] == [True, False]


def documents(*values: str | None) -> pa.RecordBatch:
    column: Any = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(values, pa.string()))
    return pa.record_batch([column], names=["document"])


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "{'a': 1}",
        "1 2",
        "1,2",
        '1}\n{"document":2',
        '1,"more":2',
        '1],"more":[2',
        "NaN",
        "[-Infinity]",
        '"\x01"',
    ],
)
def test_document_that_is_no_json_fails_the_write(broken: str) -> None:
    """Embedded as it is, it would break the line, and reading the whole file with it."""
    with pytest.raises(BadRecord) as failure:
        encoded(form_of("jsonl"), [documents("{}", None, broken)])
    assert failure.value.reason == "NO_JSON"


@pytest.mark.parametrize(
    "document", ["1e400", "9" * 5000, r'"\ud800"', "[" * 5000 + "]" * 5000, '"NaN"', '{"a":1,"a":2}', '\t"x"\r\n']
)
def test_document_that_postgresql_takes_for_json_is_kept_as_it_is(document: str) -> None:
    """JSON knows no limits of numbers, depth or escapes: a reader's limits are the reader's."""
    lines = encoded(form_of("jsonl"), [documents(document, "2")]).decode().split("\n")
    expected = document.replace("\r", " ").replace("\n", " ")
    assert lines == [f'{{"document":{expected}}}', '{"document":2}', ""]


def test_names_of_columns_are_escaped() -> None:
    """A quote in a name must not end it."""
    names = ['quo"te', "com,ma", "new\nline", "back\\slash", "ümlaut 🙂", " "]
    batch = pa.record_batch([pa.array([1])] * len(names), names=names)
    assert json.loads(encoded(form_of("jsonl"), [batch])) == dict.fromkeys(names, 1)
    assert pq.read_table(io.BytesIO(encoded(form_of("parquet"), [batch]))).column_names == names
    header = encoded(form_of("csv"), [batch]).decode().rsplit("\n", 2)[0]
    assert header == '"quo""te","com,ma","new\nline","back\\slash","ümlaut 🙂"," "'
