"""Forms and places of files: CSV and JSON Lines, partitions, several files of one table; compared row by row with SQL.

DuckDB is the independent reader here, as it would be a user's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from end_to_end_pipe import METADATA, Pipe, Rows, stream

TABLE = """
CREATE TABLE sales (
    id int PRIMARY KEY, country text, amount numeric(12,2), weight float8, paid bool, sold timestamptz, due date,
    token uuid, photo bytea, note text, tags int[], details jsonb);
INSERT INTO sales
SELECT n, (ARRAY['nl', 'a/b', 'ü ☃', '', 'x=y%', NULL, '__HIVE_DEFAULT_PARTITION__', '..'])[n % 8 + 1],
       CASE WHEN n % 9 > 0 THEN n * -1.01 END, n / 8.0, CASE n % 3 WHEN 0 THEN true WHEN 1 THEN false END,
       timestamptz '2024-02-29 23:59:59.000001+00' + n * interval '1 hour', date '1600-03-01' + n * 50,
       md5(n::text)::uuid, CASE WHEN n % 5 > 0 THEN sha256(n::text::bytea) END,
       (ARRAY['', NULL, E'two\\nlines', 'quo"ted, and', ' spaces ', E'tab\\tand \\\\N', 'NULL', '☃'])[n / 8 % 8 + 1],
       CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY[n, NULL] END, jsonb_build_object('n', n, 'text', 'a"b')
FROM generate_series(1, 2000) n;
CREATE TABLE bulk AS
SELECT n AS id, (SELECT string_agg(sha256(concat(n, '-', m)::bytea), '') FROM generate_series(1, 8) m) AS noise
FROM generate_series(1, 40000) n;
"""
AS_TEXT = """
SELECT id::text, country, amount::text, weight::text, paid::text, to_char(sold, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       due::text, token::text, replace(encode(photo, 'base64'), E'\\n', ''), note, array_to_json(tags)::text,
       details::text
FROM sales
"""
AS_STORED = """
SELECT id, country, amount, weight, paid, sold, due, token, photo, note, tags, details::text FROM sales
"""
COLUMNS = ["id", "country", "amount", "weight", "paid", "sold", "due", "token", "photo", "note", "tags", "details"]


@pytest.fixture(scope="module")
def sales(shared_pipe: Pipe) -> Pipe:
    """A pipe whose database has the tables."""
    shared_pipe.sql(TABLE)
    return shared_pipe


@pytest.fixture(scope="module")
def partitioned(sales: Pipe) -> str:
    """The prefix below which both tables lie as Parquet, in partitions and small files."""
    template = "{namespace}/{stream}/g{generation}/{partition}/{year}{month}{day}-{write}-{commit}-{part}.{extension}"
    connection = sales.connect(
        stream("sales"),
        stream("bulk"),
        prefix="partitioned",
        partition_by="country",
        path_template=template,
        target_file_bytes=1 << 20,
        format={"type": "parquet", "compression": "snappy", "row_group_bytes": 1 << 16},
    )
    sales.succeed(connection)
    return "partitioned"


def download(pipe: Pipe, name: str, prefix: str, folder: Path) -> Path:
    """Put a stream's files into a folder, under the names that they have in the bucket."""
    for key in pipe.keys(name, prefix=prefix):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pipe.client.get_object(Bucket=pipe.bucket, Key=key)["Body"].read())
    return folder / prefix / "public" / name


def normal(rows: Sequence[Sequence[Any]]) -> Rows:
    """Cells as comparable texts: floating-point numbers and documents have several."""

    def cells(row: Sequence[Any]) -> tuple[Any, ...]:
        cell = dict(zip(COLUMNS, row, strict=True))
        cell["weight"] = float(cell["weight"])
        for name in ("tags", "details"):
            cell[name] = None if cell[name] is None else repr(json.loads(cell[name]))
        return tuple(cell.values())

    return Counter(cells(row) for row in rows)


def test_csv_says_what_sql_says(sales: Pipe, tmp_path: Path) -> None:
    """NULL and the empty text stay apart, and no quote, comma or line break moves a cell."""
    connection = sales.connect(stream("sales"), prefix="csv", format={"type": "csv", "compression": "gzip"})
    job = sales.succeed(connection)
    folder = download(sales, "sales", "csv", tmp_path)
    options = "all_varchar = true, header = true, quote = '\"', escape = '\"', allow_quoted_nulls = false, nullstr = ''"
    table = duckdb.sql(f"SELECT * FROM read_csv('{folder}/*.csv.gz', {options}, delim = ',', new_line = '\\n')")
    assert table.columns == [*COLUMNS, *METADATA]
    rows = table.fetchall()
    assert normal([row[:-3] for row in rows]) == normal(sales.sql(AS_TEXT))
    assert {row[-2:] for row in rows} == {("1", job.name.removeprefix("jobs/"))}


def test_json_lines_say_what_sql_says(sales: Pipe) -> None:
    """Every line is one object with all columns, numbers are numbers, decimals are texts, documents are documents."""
    connection = sales.connect(stream("sales"), prefix="lines", format={"type": "jsonl", "compression": "gzip"})
    job = sales.succeed(connection)
    found = [json.loads(line) for line in sales.lines("sales", prefix="lines")]
    assert all(list(line) == [*COLUMNS, *METADATA] for line in found)
    assert {(line[METADATA[1]], line[METADATA[2]]) for line in found} == {(1, job.name.removeprefix("jobs/"))}
    forms = {"id": int, "country": str, "amount": str, "weight": float, "paid": bool, "tags": list, "details": dict}
    for line in found:
        kinds = {name: type(line[name]) for name in forms if line[name] is not None and name != "weight"}
        assert kinds == {name: forms[name] for name in kinds}
        line["id"], line["paid"] = str(line["id"]), None if line["paid"] is None else str(line["paid"]).lower()
        for name in ("tags", "details"):
            line[name] = None if line[name] is None else json.dumps(line[name])
    assert normal([list(line.values())[:-3] for line in found]) == normal(sales.sql(AS_TEXT))


def test_partitions_hold_the_rows_that_their_names_say(sales: Pipe, partitioned: str, tmp_path: Path) -> None:
    """A query engine reads only the folders that it needs: a row in the wrong one would never be found."""
    folder = download(sales, "sales", partitioned, tmp_path)
    files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    by_folder = duckdb.sql(f"SELECT id, country FROM {files}").fetchall()
    assert Counter(by_folder) == sales.rows("SELECT id, country FROM sales")
    assert sales.found("sales", prefix=partitioned) == sales.rows(AS_STORED)


def test_large_table_comes_in_files_of_the_wanted_size(sales: Pipe, partitioned: str) -> None:
    """Readers work on files in parallel; a stream without the partition column still arrives, all of it."""
    keys = sales.keys("bulk", prefix=partitioned)
    assert all("/g1/" in key and "country=" not in key for key in keys)
    sizes = [len(sales.content(key)) for key in keys]
    assert len(sizes) > 1
    assert max(sizes) < (1 << 20) + (5 << 20)  # a file ends with the batch that fills it
    assert sales.found("bulk", prefix=partitioned) == sales.rows("SELECT * FROM bulk")
