"""Tables that change their form between two runs, under each policy that connections know."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pytest
from end_to_end_pipe import METADATA, Pipe, Rows, progress_of, rows_of, stream
from towpath.control.v1.connections_pb2 import ColumnChange, Connection
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Job, StreamProgress

TABLE = """
CREATE TABLE {name} (id int PRIMARY KEY, amount int, note text, version bigserial);
INSERT INTO {name} (id, amount, note) SELECT n, n * 3, 'note ' || n FROM generate_series(1, 300) n;
"""
CHANGES = {
    "added": "ADD extra date DEFAULT '2024-02-29'",
    "dropped": "DROP note",
    "widened": "ALTER amount TYPE bigint USING amount + 5000000000",
    "retyped": "ALTER amount TYPE text USING 'now ' || amount",
    "renamed": "RENAME note TO remark",
    "reordered": "DROP amount, ADD amount int DEFAULT 7",
    "unchanged": "ALTER amount SET STATISTICS 7",
}
MORE = "INSERT INTO {name} (id) SELECT n FROM generate_series(301, 310) n"
SAID = {
    "added": "column `extra` (date32[day]) was added",
    "dropped": "column `note` (string) was removed",
    "widened": "column `amount` changed from int32 to int64",
    "retyped": "column `amount` changed from int32 to string",
    "renamed": "column `remark` (string) was added; column `note` (string) was removed",
}
"""What the user is told; a table whose columns only stand in another order says nothing."""
MODES = ("overwritten", "appended", "incremental")


@dataclass(frozen=True)
class Changed:
    """Two runs of a connection, with the changes in between; by table."""

    pipe: Pipe
    connection: str
    first: dict[str, Rows]
    job: Job
    keys: dict[str, list[str]]
    new_keys: dict[str, list[str]]

    def arrived(self, table: str) -> pa.Table:
        """What the second run added to the folder of a table."""
        return self.pipe.read(self.new_keys[table])


def run_twice(pipe: Pipe, policy: Connection.SchemaChangePolicy) -> Changed:
    tables = {f"{mode}_{change}": alteration for mode in MODES for change, alteration in CHANGES.items()}
    for table in tables:
        pipe.sql(TABLE.format(name=table))
    streams = [
        *(stream(f"overwritten_{change}", write="OVERWRITE") for change in CHANGES),
        *(stream(f"appended_{change}", write="APPEND") for change in CHANGES),
        *(stream(f"incremental_{change}", "INCREMENTAL", cursor_column="version") for change in CHANGES),
    ]
    connection = pipe.connect(*streams, connection=Connection(schema_change_policy=policy))
    pipe.succeed(connection)
    first_keys = pipe.keys_by_stream()
    keys = {table: first_keys["public", table] for table in tables}
    first = {table: rows_of(pipe.read(keys[table])) for table in tables}
    for table, alteration in tables.items():
        pipe.sql(f"ALTER TABLE {table} {alteration}; {MORE.format(name=table)}")
    job = pipe.run(connection)
    present = pipe.keys_by_stream()
    new_keys = {table: [key for key in present["public", table] if key not in keys[table]] for table in tables}
    return Changed(pipe, connection, first, job, keys, new_keys)


@pytest.fixture(scope="module")
def propagated(shared_pipe: Pipe) -> Changed:
    return run_twice(shared_pipe, Connection.SCHEMA_CHANGE_POLICY_PROPAGATE)


@pytest.fixture(scope="module")
def strict(other_pipe: Pipe) -> Changed:
    return run_twice(other_pipe, Connection.SCHEMA_CHANGE_POLICY_FAIL)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", MODES)
def test_changed_table_arrives_in_its_new_form(propagated: Changed, mode: str, change: str) -> None:
    """Tables change on a Friday evening; every value of the new form is there on Saturday, the new NULLs included."""
    table = f"{mode}_{change}"
    due = "SELECT * FROM {}" if mode != "incremental" else "SELECT * FROM {} WHERE id > 300"
    pipe, arrived = propagated.pipe, propagated.arrived(table)
    columns = pipe.sql(
        "SELECT attname FROM pg_attribute"
        f" WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    assert arrived.schema.names == [*(name for (name,) in columns), *METADATA]
    assert rows_of(arrived) == pipe.rows(due.format(table))


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_appended_before_stays_as_it_was(propagated: Changed, change: str) -> None:
    """A change of the table is no reason to touch what has been delivered."""
    for mode in MODES[1:]:
        table = f"{mode}_{change}"
        earlier = set(propagated.pipe.keys(table)) - set(propagated.new_keys[table])
        assert rows_of(propagated.pipe.read(earlier)) == propagated.first[table]


@pytest.mark.parametrize("change", CHANGES)
def test_log_says_what_changed(propagated: Changed, change: str) -> None:
    """Whoever finds another type in the lake has to find out since when."""
    log = propagated.pipe.log(propagated.job)
    notes = Counter(line for line in log.splitlines() if f"_{change} changed: " in line)
    assert len(notes) == (len(MODES) if change in SAID else 0)
    assert all(SAID[change] in note for note in notes)


def test_every_change_is_listed_with_its_job_and_what_was_done(propagated: Changed, strict: Changed) -> None:
    """The log of a job is not where somebody looks a month later."""
    expected = {f"{mode}_{change}" for mode in MODES for change in SAID}
    for changed, policy in (
        (propagated, Connection.SCHEMA_CHANGE_POLICY_PROPAGATE),
        (strict, Connection.SCHEMA_CHANGE_POLICY_FAIL),
    ):
        with changed.pipe.stack.client() as client:
            listed = [
                one for one in client.connections.schema_changes(changed.connection) if one.job == changed.job.name
            ]
        assert {one.stream.name for one in listed} == expected
        assert len(listed) == len(expected)
        assert {one.policy for one in listed} == {policy}
        [widened] = [one for one in listed if one.stream.name == "appended_widened"]
        assert list(widened.columns) == [ColumnChange(column="amount", type_before="int32", type_after="int64")]


def test_connection_that_fails_on_changes_delivers_the_other_streams(strict: Changed) -> None:
    """Who asked for a stop gets it where the form changed, and only there, with what to do next."""
    pipe, job = strict.pipe, strict.job
    assert job.state == Job.STATE_FAILED, pipe.explain(job)
    assert len(job.attempts) == 1, pipe.explain(job)
    for mode in MODES:
        for change in CHANGES:
            table = f"{mode}_{change}"
            progress = progress_of(job, table)
            if change not in SAID:
                assert progress.state == StreamProgress.STATE_SUCCEEDED, table
                continue
            failure = progress.failure
            assert progress.state == StreamProgress.STATE_FAILED, table
            assert (failure.kind, failure.reason) == (Failure.KIND_CONFLICT, "SCHEMA_CHANGED")
            assert SAID[change] in failure.message
            assert "refresh the stream, or let the connection propagate changes" in failure.message
            assert strict.new_keys[table] == []
            assert pipe.found(table) == strict.first[table]


def test_changed_form_is_refused_until_the_user_accepts_it(strict: Changed) -> None:
    """Running again is no consent; a refresh is, and so is another selection of columns, which keeps its position."""
    pipe, retyped, added = strict.pipe, "incremental_retyped", "incremental_added"
    again = pipe.run(strict.connection)
    assert progress_of(again, retyped).failure.reason == "SCHEMA_CHANGED", pipe.explain(again)
    with pipe.stack.client() as client:
        refreshed = pipe.stack.wait(client.connections.refresh(strict.connection, [stream(retyped).name]))
        assert refreshed.state == Job.STATE_SUCCEEDED, pipe.explain(refreshed)
        wanted = client.connections.get(strict.connection)
        for selected in wanted.streams:
            if selected.name == stream(added).name:
                selected.columns.extend(["id", "extra"])
        client.connections.update(wanted, ["streams"])
    job = pipe.run(strict.connection)
    assert progress_of(job, added).state == StreamProgress.STATE_SUCCEEDED, pipe.explain(job)
    assert progress_of(job, retyped).state == StreamProgress.STATE_SUCCEEDED, pipe.explain(job)
    assert pipe.found(retyped) == pipe.rows(f"SELECT * FROM {retyped}")
    new_keys = set(pipe.keys(added)) - set(strict.keys[added])
    assert rows_of(pipe.read(new_keys)) == pipe.rows(f"SELECT id, extra FROM {added} WHERE id > 300")
