"""Read and write modes: what lies in the bucket after two runs of one connection, compared row by row with SQL.

All streams are those of one connection, each in another mode, on tables of the same form. Between the two runs every
table changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from end_to_end_pipe import Pipe, Rows, progress_of, stream
from towpath.control.v1.jobs_pb2 import Job

TABLE = """
CREATE TABLE {name} (
    id bigint PRIMARY KEY, customer text NOT NULL, amount numeric(12,2), paid boolean, weight double precision,
    placed timestamptz, due date, token uuid DEFAULT gen_random_uuid(), photo bytea, note text, version bigserial);
CREATE INDEX ON {name} (version);
"""
INSERT = """
INSERT INTO {name} (id, customer, amount, paid, weight, placed, due, photo, note)
SELECT n, 'customer ' || n % 17, CASE WHEN n % 11 > 0 THEN n * 1.01 END, n % 3 = 0, n / 7.0,
       timestamptz '2024-02-28 23:59:59.999999+00' + n * interval '1 hour 1 microsecond', date '1969-12-31' + n,
       CASE WHEN n % 5 > 0 THEN sha256(n::text::bytea) END, CASE WHEN n % 13 > 0 THEN repeat('☃"', n % 40) END
FROM generate_series({first}, {last}) AS n;
"""
TABLES = ("appended", "overwritten", "emptied", "incremental", "idle", "refreshed")
CHANGES = """
UPDATE {name} SET amount = amount + 1, note = 'changed', version = nextval('{name}_version_seq') WHERE id % 10 = 0;
DELETE FROM {name} WHERE id = 7;
"""


@dataclass(frozen=True)
class Picture:
    """What the tables held when a run began, and what it left in the bucket; by table."""

    job: Job
    due: dict[str, Rows]
    found: dict[str, Rows]
    keys: dict[str, list[str]]


@dataclass(frozen=True)
class TwoRuns:
    """One connection before and after the changes."""

    pipe: Pipe
    connection: str
    before: Picture
    after: Picture


@pytest.fixture(scope="module")
def runs(shared_pipe: Pipe) -> TwoRuns:
    """Two runs of one connection, and changes in between."""
    pipe = shared_pipe
    for name in TABLES:
        pipe.sql(TABLE.format(name=name) + INSERT.format(name=name, first=1, last=5_000))
    connection = pipe.connect(
        stream("appended", write="APPEND"),
        stream("overwritten", write="OVERWRITE"),
        stream("emptied", write="OVERWRITE"),
        *(stream(name, "INCREMENTAL", cursor_column="version") for name in ("incremental", "idle", "refreshed")),
    )
    before = run(pipe, connection)
    pipe.sql("TRUNCATE emptied")
    for name in ("appended", "overwritten", "incremental", "refreshed"):
        pipe.sql(INSERT.format(name=name, first=5_001, last=5_500) + CHANGES.format(name=name))
    return TwoRuns(pipe, connection, before, run(pipe, connection))


def run(pipe: Pipe, connection: str) -> Picture:
    due = {name: pipe.rows(f"SELECT * FROM {name}") for name in TABLES}
    job = pipe.succeed(connection)
    return Picture(job, due, {name: pipe.found(name) for name in TABLES}, keys_of_all(pipe))


def keys_of_all(pipe: Pipe) -> dict[str, list[str]]:
    return {name: pipe.keys(name) for name in TABLES}


def test_first_run_delivers_each_table_as_it_is(runs: TwoRuns) -> None:
    """Whatever the mode, the first run is a copy: every value of every column, the NULLs included."""
    assert runs.before.found == runs.before.due


def test_snapshot_appended_twice_is_there_twice(runs: TwoRuns) -> None:
    """Appending means adding: two pictures of the table, the second with what changed in between."""
    assert runs.after.found["appended"] == runs.before.due["appended"] + runs.after.due["appended"]


def test_overwrite_leaves_the_latest_run_alone(runs: TwoRuns) -> None:
    """Whoever reads the folder sees the table as it is now: nothing of the run before, no object of it either."""
    assert runs.after.found["overwritten"] == runs.after.due["overwritten"]
    assert set(runs.before.keys["overwritten"]).isdisjoint(runs.after.keys["overwritten"])


def test_overwrite_by_an_empty_table_leaves_nothing(runs: TwoRuns) -> None:
    """A table that was emptied must not live on at the destination."""
    assert runs.before.found["emptied"].total() == 5_000
    assert runs.after.found["emptied"].total() == 0


def test_incremental_run_adds_what_is_new_or_changed_once(runs: TwoRuns) -> None:
    """Inserts and updates arrive, each once, and what was there before is neither read again nor lost."""
    before, after = runs.before.due["incremental"], runs.after.due["incremental"]
    news = after - before
    assert runs.after.found["incremental"] == before + news
    moved = progress_of(runs.after.job, "incremental").progress
    assert moved.rows_read == moved.rows_committed == news.total() == 500 + 550 - 50


def test_incremental_run_without_news_adds_nothing(runs: TwoRuns) -> None:
    """A schedule runs mostly for nothing: it must not leave files behind each time."""
    assert runs.after.keys["idle"] == runs.before.keys["idle"]
    moved = progress_of(runs.after.job, "idle").progress
    assert (moved.rows_read, moved.rows_committed) == (0, 0)


def test_refresh_then_clear_of_one_stream_leave_the_others_alone(runs: TwoRuns) -> None:
    """A refresh makes the destination right again after deletions, a clear takes the data back: of the named stream."""
    pipe, name = runs.pipe, stream("refreshed").name
    pipe.sql("DELETE FROM refreshed WHERE id % 3 = 0")
    with pipe.stack.client() as client:
        job = pipe.stack.wait(client.connections.refresh(runs.connection, [name]))
        assert job.state == Job.STATE_SUCCEEDED, pipe.explain(job)
        assert [progress.name for progress in job.streams] == [name]
        assert pipe.found("refreshed") == pipe.rows("SELECT * FROM refreshed")
        job = pipe.stack.wait(client.connections.clear(runs.connection, [name]))
        assert job.state == Job.STATE_SUCCEEDED, pipe.explain(job)
    assert pipe.keys("refreshed") == []
    assert {**keys_of_all(pipe), "refreshed": []} == {**runs.after.keys, "refreshed": []}


def test_stream_that_was_cleared_is_read_from_the_start(runs: TwoRuns) -> None:
    """With the data its position is gone too; a run that went on from the old one would lose rows for good."""
    pipe, name = runs.pipe, stream("idle").name
    with pipe.stack.client() as client:
        pipe.stack.wait(client.connections.clear(runs.connection, [name]))
    assert pipe.keys("idle") == []
    pipe.succeed(runs.connection)
    assert pipe.found("idle") == pipe.rows("SELECT * FROM idle")
