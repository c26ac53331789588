"""Incremental reads into upserts: a folder that equals the table, run after run, but for what a cursor cannot see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from destination_local_steps import table
from end_to_end_pipe import METADATA, Pipe, Rows, new_name, rows_of, stream
from stack import postgres_config
from towpath.control.v1.connections_pb2 import Connection
from towpath.control.v1.jobs_pb2 import Job
from towpath_sdk import StreamName

ORDERS = """
CREATE TABLE orders (
    region text, id int, amount numeric(12,2), paid boolean, placed timestamptz, note text, version bigserial,
    PRIMARY KEY (region, id));
CREATE INDEX ON orders (version);
"""
INSERT = """
INSERT INTO orders (region, id, amount, paid, placed, note)
SELECT CASE n % 3 WHEN 0 THEN '' WHEN 1 THEN 'north' ELSE 'south' END, n, n * 1.01, n % 2 = 0,
       timestamptz '2024-02-28 23:59:59.999999+00' + n * interval '1 hour',
       CASE WHEN n % 7 > 0 THEN repeat('☃"', n % 9) END
FROM generate_series({first}, {last}) AS n;
"""
CHANGE = "UPDATE orders SET amount = amount + 1, note = 'changed', version = nextval('orders_version_seq') WHERE {};"
NAME = StreamName("public", "orders")


def connect(pipe: Pipe, folder: Path, **destination: Any) -> str:
    """A connection from the database to a folder, by the key that the source names."""
    name = new_name()
    wanted = Connection(source=f"sources/{name}", destination=f"destinations/{name}")
    wanted.streams.append(stream("orders", "INCREMENTAL", "DEDUP", cursor_column="version"))
    with pipe.stack.client() as client:
        client.sources.create(name, "source-postgres", postgres_config(pipe.database))
        client.destinations.create(name, "destination-local", {"path": str(folder), **destination})
        return client.connections.create(name, wanted).name


def found(folder: Path) -> Rows:
    """What a reader sees in the folder."""
    return rows_of(table({"path": str(folder)}, NAME))


@pytest.fixture
def due(pipe: Pipe) -> Callable[[], Rows]:
    """What the table holds."""
    pipe.sql(ORDERS + INSERT.format(first=1, last=3_000))
    return lambda: pipe.rows("SELECT * FROM orders")


def test_folder_equals_the_table_after_each_run(pipe: Pipe, due: Callable[[], Rows], tmp_path: Path) -> None:
    """A changed row takes the place of the old one, a key is there once, and nothing else moves."""
    connection = connect(pipe, tmp_path)
    pipe.succeed(connection)
    assert found(tmp_path) == due()
    pipe.sql(CHANGE.format("id % 10 = 0") + INSERT.format(first=3_001, last=3_200))
    job = pipe.succeed(connection)
    assert found(tmp_path) == due()
    assert job.streams[0].progress.rows_committed == 300 + 200
    pipe.sql(CHANGE.format("id < 50") + CHANGE.format("id < 20"))
    pipe.succeed(connection)
    assert found(tmp_path) == due()
    jobs = table({"path": str(tmp_path)}, NAME).column(METADATA[2]).unique().to_pylist()
    assert len(jobs) == 3, "each row says which job brought it last"


def test_refresh_takes_away_what_was_deleted_at_the_source(pipe: Pipe, due: Callable[[], Rows], tmp_path: Path) -> None:
    """A cursor cannot see deletes; a refresh begins a generation that holds exactly the table."""
    connection = connect(pipe, tmp_path)
    pipe.succeed(connection)
    pipe.sql("DELETE FROM orders WHERE id % 4 = 0;" + CHANGE.format("id % 10 = 1"))
    pipe.succeed(connection)
    assert found(tmp_path).total() == 3_000
    with pipe.stack.client() as client:
        job = pipe.stack.wait(client.connections.refresh(connection, [stream("orders").name]))
    assert job.state == Job.STATE_SUCCEEDED, pipe.explain(job)
    assert found(tmp_path) == due()
    pipe.sql(CHANGE.format("id % 10 = 3"))
    pipe.succeed(connection)
    assert found(tmp_path) == due()


def test_text_is_upserted_as_well(pipe: Pipe, due: Callable[[], Rows], tmp_path: Path) -> None:
    """Whoever wants CSV gets the table too, and not its history."""
    connection = connect(pipe, tmp_path, format={"type": "csv"}, metadata_columns=False)
    pipe.succeed(connection)
    pipe.sql(CHANGE.format("id % 10 = 0") + INSERT.format(first=3_001, last=3_200))
    pipe.succeed(connection)
    (file,) = (tmp_path / "public" / "orders").iterdir()
    header, *lines = file.read_text().split("\n")[:-1]
    assert header == '"region","id","amount","paid","placed","note","version"'
    keys = sorted((line.split(",")[0], int(line.split(",")[1])) for line in lines)
    assert keys == sorted((f'"{region}"', number) for region, number, *_ in due())
    assert sum(',"changed",' in line for line in lines) == 300
