"""What can be read, and how it is called: tables, views, partitions and names of every kind; all in one job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import pyarrow as pa
import pytest
from end_to_end_pipe import METADATA, Pipe, progress_of, rows_of, stream
from towpath.control.v1.connections_pb2 import ConnectionStream
from towpath.control.v1.jobs_pb2 import Job

RELATIONS = """
CREATE TABLE plain (id int PRIMARY KEY, name text, "Überschrift" text, hidden text, amount numeric(8,2));
INSERT INTO plain SELECT n, 'name ' || n, repeat('ß', n), 'never leaves', n / 4.0 FROM generate_series(1, 500) n;
CREATE VIEW seen AS SELECT id * 2 AS twice, upper(name) AS name, amount FROM plain WHERE id % 2 = 0;
CREATE MATERIALIZED VIEW kept AS
    SELECT id % 7 AS rest, sum(amount)::numeric(12,2) AS total, count(*) FROM plain GROUP BY 1;
CREATE TABLE measured (at date NOT NULL, place text, value float8) PARTITION BY RANGE (at);
CREATE TABLE measured_old PARTITION OF measured FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE measured_new (value float8, gone int, at date NOT NULL, place text);
ALTER TABLE measured_new DROP COLUMN gone;
ALTER TABLE measured ATTACH PARTITION measured_new DEFAULT;
INSERT INTO measured SELECT date '2023-12-25' + n % 14, 'place ' || n, n / 3.0 FROM generate_series(1, 2000) n;
CREATE TABLE parent (id int, name text);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent VALUES (1, 'parent');
INSERT INTO child VALUES (2, 'child', 'extra');
CREATE TABLE empty (id int PRIMARY KEY, name text);
CREATE TABLE large (id int PRIMARY KEY, value text, photo bytea);
INSERT INTO large SELECT n, repeat(md5(n::text), 1 << 19), decode(repeat('00ff', 1 << 20), 'hex')
    FROM generate_series(1, 3) n;
"""
SAME_AS_SQL = ("plain", "seen", "kept", "measured", "parent", "large", "wide")
SCHEMA = 'sch/ema "of" ☃'
HOSTILE = {
    "..": ("a/b", 'quo"ted'),
    "_towpath": ("select", "%s"),
    "ta/ble.with.dots": ("new\nline", "{braces}"),
    "o'clock; DROP TABLE plain; --": ("$1", " spaces "),
    "Case": ("Case", "case"),
    "case": ("it's", "back\\slash"),
    "%2E%2E": ("☃", "_towpath"),
}
"""Names of tables, and of two columns of each."""


@dataclass(frozen=True)
class Delivered:
    """The one job, at its end."""

    pipe: Pipe
    job: Job


@pytest.fixture(scope="module")
def delivered(shared_pipe: Pipe) -> Delivered:
    """Everything in one connection, every table with all of its columns but for `plain`."""
    pipe = shared_pipe
    columns = ", ".join(f"c{number} int DEFAULT {number}" for number in range(1, 1600))
    wide = f"CREATE TABLE wide (id int, {columns}); INSERT INTO wide SELECT generate_series(1, 20)"
    pipe.sql(f"{RELATIONS} {wide}; CREATE SCHEMA {quoted(SCHEMA)}")
    for name, (first, second) in HOSTILE.items():
        pipe.sql(
            f"CREATE TABLE {quoted(SCHEMA)}.{quoted(name)} AS"
            f" SELECT n AS {quoted(first)}, {literal(name)} || n AS {quoted(second)} FROM generate_series(1, 10) n"
        )
    streams = [stream(name) for name in (*SAME_AS_SQL[1:], "empty")]
    hostile = [stream(name, namespace=SCHEMA) for name in HOSTILE]
    connection = pipe.connect(selected(), *streams, *hostile)
    return Delivered(pipe, pipe.succeed(connection))


def selected() -> ConnectionStream:
    return stream("plain", columns=["amount", "Überschrift", "id"])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("name", SAME_AS_SQL[1:])
def test_relation_arrives_as_sql_shows_it(delivered: Delivered, name: str) -> None:
    """Views, partitions of other forms, 1,600 columns, values of 16 MiB: a reader sees what a SELECT would show."""
    assert delivered.pipe.found(name) == delivered.pipe.rows(f"SELECT * FROM {name}")


def test_selected_columns_arrive_alone_and_in_their_order(delivered: Delivered) -> None:
    """What was not selected may be secret: it does not leave the database."""
    table = delivered.pipe.delivered("plain")
    assert table.schema.names == ["amount", "Überschrift", "id", *METADATA]
    assert rows_of(table) == delivered.pipe.rows('SELECT amount, "Überschrift", id FROM plain')


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_any_kind_arrive_unchanged(delivered: Delivered, name: str) -> None:
    """Quotes, slashes and dots are neither SQL nor folders; no two tables end up in one place."""
    table = delivered.pipe.delivered(name, SCHEMA)
    assert table.schema.names == [*HOSTILE[name], *METADATA]
    assert rows_of(table) == Counter((number, f"{name}{number}") for number in range(1, 11))


def test_empty_table_leaves_no_file_and_is_no_failure(delivered: Delivered) -> None:
    """Every database has some."""
    assert delivered.pipe.keys("empty") == []
    assert progress_of(delivered.job, "empty").progress.rows_committed == 0


def test_metadata_columns_say_when_and_by_which_job_a_row_came(delivered: Delivered) -> None:
    """They are how a reader of the lake finds out where a wrong row is from."""
    table, job = delivered.pipe.delivered("measured").select(METADATA), delivered.job
    assert table.schema.types == [pa.timestamp("us", "UTC"), pa.int64(), pa.string()]
    moments: Any = table.column(METADATA[0]).to_pylist()
    generations, jobs = (set(table.column(name).to_pylist()) for name in METADATA[1:])
    start, end = (moment.ToDatetime(UTC) for moment in (job.start_time, job.end_time))
    assert start <= min(moments) <= max(moments) <= end
    assert generations == {progress_of(job, "measured").generation_id}
    assert jobs == {job.name.removeprefix("jobs/")}


def test_counts_of_a_job_are_those_of_sql(delivered: Delivered) -> None:
    """What the progress display adds up must be what arrived."""
    for name in SAME_AS_SQL:
        ((rows,),) = delivered.pipe.sql(f"SELECT count(*) FROM {name}")
        progress = progress_of(delivered.job, name).progress
        assert (name, progress.rows_read, progress.rows_committed) == (name, rows, rows)
