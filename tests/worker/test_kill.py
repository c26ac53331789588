"""`kill -9` of connectors and server, in the middle: every row arrives once, and nothing is left behind."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from server_database import rows_of
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded import EmbeddedTemporal
from worker_flow import Flow, numbers, stream
from worker_rig import RigWorker, WorkerRig, until

ROWS = 6000
SOURCE = {"streams": 2, "rows": ROWS, "width": 1000, "seconds_per_batch": 0.05}
"""Sixty batches of 100 kB per stream, so that a transfer takes three seconds and more."""
OFTEN = ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1})


def flow_of_two(rig: WorkerRig, **destination: object) -> Flow:
    """A snapshot and an incremental stream of one source."""
    streams = stream("numbers0"), stream("numbers1", read="INCREMENTAL", cursor_column="n")
    return rig.connect(*streams, source=SOURCE, destination=destination, settings=OFTEN)


def assert_exact(flow: Flow) -> None:
    for index in range(2):
        assert flow.rows(f"numbers{index}") == numbers(ROWS, index=index, width=1000)
    assert flow.staged() == []


@pytest.mark.parametrize("victim", ["numbers_source.py", "folder_destination.py"])
def test_connector_is_killed(rig: WorkerRig, worker: RigWorker, chance: random.Random, victim: str) -> None:
    """The next attempt begins after the last commit; what came after it is discarded at the destination."""
    flow = flow_of_two(rig)
    job = flow.start()
    process = worker.wait_for(victim)
    time.sleep(chance.uniform(0, 2.5))
    process.kill()
    job = flow.wait(job)
    assert job.state == Job.STATE_SUCCEEDED, flow.explain(job)
    # Which of the two depends on whether it was ready when it was killed.
    first, last = (attempt.failure.reason for attempt in job.attempts)
    assert first in ("CONNECTOR_DIED", "CONNECTOR_KILLED")
    assert not last
    assert "was killed by SIGKILL" in job.attempts[0].failure.message
    tries = f"SELECT run_id, try_number FROM attempts WHERE job = '{job.name.removeprefix('jobs/')}' ORDER BY number"
    (first_run, first_try), (last_run, last_try) = rows_of(f"sqlite:///{rig.root / 'metadata.db'}", tries)
    assert first_run == last_run != ""
    assert (first_try, last_try) == (1, 2), "the server could not tell a late try from the one that runs"
    assert_exact(flow)
    until(lambda: worker.connectors() == [], "every connector has ended")
    until(lambda: worker.folders() == [], "every folder is gone")


def test_destination_is_killed_while_it_publishes(rig: WorkerRig, worker: RigWorker) -> None:
    """Half of the files are visible by then: publishing again finishes what was begun."""
    flow = flow_of_two(rig, die_in_complete=True)
    flow.reconfigure(seconds_per_batch=0)
    flow.succeed()
    assert (flow.folder / ".marks" / "died-in-complete").exists()
    assert_exact(flow)


def test_server_is_killed(temporal: EmbeddedTemporal, tmp_path: Path, chance: random.Random) -> None:
    """Attempts outlive a server that is back within their lease: nothing is even repeated."""
    with WorkerRig(tmp_path / "rig", temporal, lease=30.0) as own_rig, own_rig.worker() as worker:
        own_rig.register_all()
        flow = flow_of_two(own_rig)
        job = flow.start()
        worker.wait_for("folder_destination.py")
        time.sleep(chance.uniform(0, 2.5))
        own_rig.server.kill()
        own_rig.server.start()
        job = flow.wait(job)
        assert job.state == Job.STATE_SUCCEEDED, flow.explain(job)
        assert len(job.attempts) == 1
        assert_exact(flow)
