"""Whole jobs between the test connectors: what arrives is exactly what was read."""

from __future__ import annotations

import pytest
from slow_link import slow_link
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job, StreamProgress
from worker_flow import numbers, progress_of, stream
from worker_rig import RigWorker, WorkerRig, until

pytestmark = pytest.mark.usefixtures("worker")

OFTEN = ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1})


def test_overwrite_replaces_what_the_run_before_delivered(rig: WorkerRig) -> None:
    """A full refresh shows the new rows alone, and never none."""
    flow = rig.connect(stream(write="OVERWRITE"), source={"rows": 1000})
    flow.succeed()
    assert flow.rows() == numbers(1000)
    flow.reconfigure(rows=700)
    flow.succeed()
    assert flow.rows() == numbers(700)
    assert flow.staged() == []


def test_append_adds_to_what_the_run_before_delivered(rig: WorkerRig) -> None:
    """Somebody who keeps every snapshot must find all of them."""
    flow = rig.connect(stream(write="APPEND"), source={"rows": 300})
    flow.succeed()
    flow.reconfigure(rows=200)
    flow.succeed()
    assert flow.rows() == numbers(300) + numbers(200)


def test_increment_reads_only_what_is_new(rig: WorkerRig) -> None:
    """The state of one job is where the next one begins; a run without news changes nothing."""
    flow = rig.connect(stream(read="INCREMENTAL", cursor_column="n"), source={"rows": 250})
    flow.succeed()
    flow.reconfigure(rows=400)
    second = flow.succeed()
    assert flow.rows() == numbers(400)
    assert progress_of(second, "numbers0").progress.rows_committed == 150
    third = flow.succeed()
    assert flow.rows() == numbers(400)
    assert third.total.rows_read == 0


def test_refresh_reads_an_incremental_stream_from_the_start(rig: WorkerRig) -> None:
    """What a user does when the position was lost: everything is there once, not twice."""
    flow = rig.connect(stream(read="INCREMENTAL", cursor_column="n"), source={"rows": 120})
    flow.succeed()
    job = flow.wait(rig.client.connections.refresh(flow.connection, []))
    assert job.state == Job.STATE_SUCCEEDED, flow.explain(job)
    assert flow.rows() == numbers(120)


def test_clear_removes_what_was_delivered_without_reading(rig: WorkerRig) -> None:
    """Clearing must work also when the source is gone."""
    flow = rig.connect(stream(read="INCREMENTAL", cursor_column="n"), source={"rows": 50})
    flow.succeed()
    job = flow.wait(rig.client.connections.clear(flow.connection, []))
    assert job.state == Job.STATE_SUCCEEDED, flow.explain(job)
    assert flow.rows() == []
    flow.succeed()
    assert flow.rows() == numbers(50)


def test_stream_without_rows_succeeds(rig: WorkerRig) -> None:
    """An empty table is no failure, and an overwrite with nothing leaves nothing."""
    flow = rig.connect(stream(), source={"rows": 10})
    flow.succeed()
    flow.reconfigure(rows=0)
    flow.succeed()
    assert flow.rows() == []


def test_streams_of_a_job_do_not_mix(rig: WorkerRig) -> None:
    """Several streams travel over the same two processes at the same time."""
    streams = [stream(f"numbers{index}") for index in range(12)]
    flow = rig.connect(
        *streams,
        source={"streams": 12, "rows": 500, "batch_rows": 50},
        settings=ConnectionSettings(max_parallel_streams=6),
    )
    job = flow.succeed()
    for index in range(12):
        assert flow.rows(f"numbers{index}") == numbers(500, index=index)
    assert {progress.state for progress in job.streams} == {StreamProgress.STATE_SUCCEEDED}
    assert job.total.rows_committed == 6000


def test_commits_of_one_stream_follow_each_other_without_a_gap(rig: WorkerRig) -> None:
    """Rows on both sides of a commit are the ones most easily lost or doubled."""
    # Slow enough for each commit to be stored before the next is due: of what waits for a store, one commit is made.
    source = {"rows": 6000, "batch_rows": 100, "width": 1500, "seconds_per_batch": 0.05}
    flow = rig.connect(stream(), source=source, settings=OFTEN)
    job = flow.succeed()
    assert job.total.commits > 3, flow.explain(job)
    assert flow.rows() == numbers(6000, width=1500)


def test_connectors_are_gone_after_a_job(rig: WorkerRig, worker: RigWorker) -> None:
    """A worker runs for months: what one job leaves behind adds up."""
    rig.connect(stream(), source={"rows": 10}).succeed()
    until(lambda: worker.connectors() == [], "every connector has ended")
    until(lambda: worker.folders() == [], "every folder is gone")


def test_worker_starts_every_connector_anew_where_it_is_told_to(own_rig: WorkerRig) -> None:
    """For whoever has a reason that we do not know of."""
    with own_rig.worker(fork_connectors="false") as worker:
        own_rig.register_all()
        flow = own_rig.connect(stream(), source={"rows": 300, "seconds_per_batch": 0.5})
        job = flow.start()
        assert worker.wait_for("numbers_source.py").ppid() == worker.pid
        assert worker.forking() == []
        assert flow.wait(job).state == Job.STATE_SUCCEEDED


def test_worker_that_is_far_from_its_server_works(own_rig: WorkerRig) -> None:
    """The platform's servers may be in another region than the data."""
    with slow_link(own_rig.address, 0.1) as address, own_rig.worker(server=address):  # a turn takes 0.2 s
        own_rig.register_all()
        flow = own_rig.connect(stream(), source={"rows": 300})
        flow.succeed()
        assert flow.rows() == numbers(300)
