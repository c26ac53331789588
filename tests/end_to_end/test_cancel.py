"""Cancelling in the middle of a run, from the command line: it ends within seconds and leaves nothing behind."""

from __future__ import annotations

import time

from destination_s3_steps import unfinished
from end_to_end_pipe import Pipe, progress_of, stream
from faults_leftovers import Leftovers, none_within
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job, StreamProgress
from towpath_cli.client.jobs import TERMINAL

TABLE = """
CREATE UNLOGGED TABLE events AS
SELECT n::bigint AS id,
       (SELECT string_agg(sha256(concat(n, '-', m)::bytea), '') FROM generate_series(1, 128) m) AS noise
FROM generate_series(1, 15000) n;
CREATE UNIQUE INDEX ON events (id);
"""
SLOW = "CREATE OR REPLACE VIEW slow AS SELECT id, noise, pg_sleep({nap})::text AS nap FROM events"


def run_until_uploading(pipe: Pipe, connection: str) -> Job:
    """Start a job and return it when it has committed some of the one stream and uploaded some of the other."""
    deadline = time.monotonic() + 90
    with pipe.stack.client() as client:
        job = client.connections.sync(connection)
        while not (progress_of(job, "events").progress.rows_committed and unfinished(pipe.client, pipe.bucket)):
            job = client.jobs.get(job.name)
            assert job.state not in TERMINAL, pipe.explain(job)
            assert time.monotonic() < deadline, pipe.explain(job)
            time.sleep(0.05)
    return job


def seconds_from_cancel_to_end(pipe: Pipe, job: Job) -> float:
    """How long the connectors went on, as the server's own clock says. Publishing what is kept comes after it."""
    with pipe.stack.client() as client:
        asked = [line for line in client.jobs.logs(job.name) if line.origin == "server" and "cancel" in line.message]
    return (job.attempts[-1].end_time.ToNanoseconds() - asked[0].time.ToNanoseconds()) / 1e9


def test_cancel_in_the_middle_ends_within_seconds_and_leaves_nothing(pipe: Pipe) -> None:
    """Who cancels wants the load gone from the database now, no half a table in the lake, and to go on later."""
    pipe.sql(TABLE + SLOW.format(nap=0.002))
    connection = pipe.connect(
        stream("slow", write="OVERWRITE"),
        stream("events", "INCREMENTAL", cursor_column="id"),
        connection=Connection(settings=ConnectionSettings(commit_bytes=8 << 20)),
        format={"type": "parquet", "row_group_bytes": 1 << 20},
    )
    job = run_until_uploading(pipe, connection)
    done = pipe.stack.cli("cancel", job.name.removeprefix("jobs/"))
    assert (done.code, done.err) == (0, "")
    job = pipe.stack.wait(job, 60)
    assert job.state == Job.STATE_CANCELLED, pipe.explain(job)
    assert progress_of(job, "slow").state == StreamProgress.STATE_CANCELLED, pipe.explain(job)
    assert seconds_from_cancel_to_end(pipe, job) < 5, pipe.explain(job)
    assert none_within(2, Leftovers(pipe.stack, pipe.database).idle) == []
    assert unfinished(pipe.client, pipe.bucket) == []
    assert pipe.keys("slow") == []
    assert [key for key in pipe.all_keys() if "/_towpath/" in key and "/manifests/" not in key] == []
    kept = pipe.rows(f"SELECT * FROM events WHERE id <= {progress_of(job, 'events').progress.rows_committed}")
    assert pipe.found("events") == kept
    pipe.sql(SLOW.format(nap=0))
    pipe.succeed(connection)
    assert pipe.found("events") == pipe.rows("SELECT * FROM events")
    assert pipe.found("slow") == pipe.rows("SELECT * FROM slow")
