"""Schedules on a real Temporal: a connection runs by itself, and never twice at a time."""

from __future__ import annotations

import time

from end_to_end_pipe import Pipe, stream
from google.protobuf.duration_pb2 import Duration
from towpath.control.v1.connections_pb2 import Connection, Schedule
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client.jobs import TERMINAL

SLOW = """
CREATE TABLE orders (id bigint PRIMARY KEY);
INSERT INTO orders SELECT generate_series(1, 3);
CREATE VIEW slow AS SELECT id, pg_sleep(4)::text AS nap FROM orders;
"""


def test_interval_runs_by_itself_and_never_two_at_a_time(pipe: Pipe) -> None:
    """Every 10 s starts a run that takes 12 s: the start that falls into it is skipped, and the one after it is not."""
    pipe.sql(SLOW)
    every = Schedule(interval=Duration(seconds=10))
    connection = pipe.connect(stream("slow", write="OVERWRITE"), connection=Connection(schedule=every))
    with pipe.stack.client() as client:
        deadline = time.monotonic() + 120
        jobs: list[Job] = []
        while len(jobs) < 2:
            assert time.monotonic() < deadline, jobs
            time.sleep(0.2)
            jobs = list(client.jobs.all(connection, 20))
            assert sum(job.state not in TERMINAL for job in jobs) <= 1, jobs
        client.connections.pause(connection)
        after, before = (client.jobs.get(job.name) for job in jobs)
        assert before.state == Job.STATE_SUCCEEDED, pipe.explain(before)
        assert before.end_time.ToNanoseconds() <= after.create_time.ToNanoseconds()
        assert {job.trigger for job in jobs} == {"schedule"}
        assert pipe.found("slow") == pipe.rows("SELECT id, '' FROM orders")
        client.jobs.cancel(after.name)
        pipe.stack.wait(after)
