"""Several streams in one job: how many at a time, and what a failing one means for the others."""

from __future__ import annotations

import pytest
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Job, StreamProgress
from worker_flow import Flow, numbers, progress_of, stream
from worker_rig import RigWorker, WorkerRig

pytestmark = pytest.mark.usefixtures("worker")


def reads(flow: Flow, job: Job) -> list[tuple[int, str]]:
    """Attempt and stream of every read that the source began."""
    return sorted((line.attempt, line.stream.name) for line in flow.logs(job) if line.message == "counting")


def test_as_many_streams_run_at_a_time_as_configured(rig: WorkerRig) -> None:
    """More would overload the source's database; fewer would waste the night."""
    flow = rig.connect(
        *(stream(f"numbers{index}") for index in range(7)),
        source={"streams": 7, "rows": 600, "seconds_per_batch": 0.1},
        settings=ConnectionSettings(max_parallel_streams=3),
    )
    job = flow.start()
    seen: set[int] = set()

    def ended(job: Job) -> bool:
        seen.add(sum(progress.state == StreamProgress.STATE_RUNNING for progress in job.streams))
        return job.state == Job.STATE_SUCCEEDED

    flow.watch_until(job, ended, 60)
    assert max(seen) == 3
    assert all(flow.rows(f"numbers{index}") == numbers(600, index=index) for index in range(7))


def test_stream_that_is_transferred_is_not_read_again(rig: WorkerRig) -> None:
    """A retry is for what is left: reading a large table again would cost another night."""
    flow = rig.connect(
        *(stream(f"numbers{index}") for index in range(3)),
        source={"streams": 3, "fail_stream": 1, "fail_kind": "Unavailable"},
        settings=ConnectionSettings(max_attempts=2),
    )
    job = flow.sync()
    assert job.state == Job.STATE_FAILED
    assert reads(flow, job) == [(1, "numbers0"), (1, "numbers1"), (1, "numbers2"), (2, "numbers1")]
    assert progress_of(job, "numbers1").failure.kind == Failure.KIND_UNAVAILABLE
    assert [len(flow.rows(f"numbers{index}")) for index in range(3)] == [1000, 0, 1000]


def test_incremental_stream_that_fails_delivers_what_it_committed(rig: WorkerRig) -> None:
    """What is durable and has its state stored is the user's, whatever happened after it."""
    selected = stream("numbers1", read="INCREMENTAL", cursor_column="n")
    flow = rig.connect(selected, source={"streams": 2, "fail_stream": 1, "fail_kind": "BadRecord"})
    job = flow.sync()
    assert job.failure.kind == Failure.KIND_BAD_RECORD
    committed = job.total.rows_committed
    assert flow.rows("numbers1") == numbers(committed, index=1)
    flow.reconfigure(fail_stream=-1)
    flow.succeed()
    assert flow.rows("numbers1") == numbers(1000, index=1)


def test_snapshot_whose_position_is_lost_starts_over(rig: WorkerRig) -> None:
    """The exported snapshot ended with its process: half of the old one and half of a new one would be nonsense."""
    flow = rig.connect(
        stream(),
        source={"rows": 4000, "width": 1000, "die_after_rows": 3000, "lose_position_once": True},
        settings=ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1}),
    )
    job = flow.succeed()
    assert len(job.attempts) == 2
    assert "numbers0 starts over: the bookmark is gone" in flow.log_text(job)
    assert flow.rows() == numbers(4000, width=1000)


def test_increment_whose_position_is_lost_asks_for_a_refresh(rig: WorkerRig) -> None:
    """Starting over by itself would deliver every row again; only the user can decide that."""
    flow = rig.connect(stream(read="INCREMENTAL", cursor_column="n"), source={"lose_position_once": True})
    flow.succeed()
    job = flow.sync()
    assert job.failure.kind == Failure.KIND_POSITION_LOST
    failure = progress_of(job, "numbers0").failure
    assert failure.message == "the bookmark is gone. Refresh numbers0 to read it from the start"
    assert len(job.attempts) == 1
    assert flow.rows() == numbers(1000)


def test_destination_that_counts_otherwise_commits_nothing(rig: WorkerRig) -> None:
    """A lost or doubled row must never become state: the same rows are read again once the bug is mended."""
    flow = rig.connect(stream(read="INCREMENTAL", cursor_column="n"), destination={"miscount": True})
    job = flow.sync()
    assert (job.failure.kind, job.failure.reason) == (Failure.KIND_BUG, "ROW_COUNT_MISMATCH")
    assert "the broker passed on 1000, the destination stored 1001" in job.failure.message
    assert len(job.attempts) == 1
    assert job.total.commits == job.total.rows_committed == 0
    assert rig.client.connections.states(flow.connection) == []
    assert flow.rows() == flow.staged() == []


def test_memory_in_flight_is_bounded(rig: WorkerRig, worker: RigWorker) -> None:
    """A source is faster than its destination; what lies between them must not fill the worker's memory."""
    streams = 12
    flow = rig.connect(
        *(stream(f"numbers{index}") for index in range(streams)),
        source={"streams": streams, "rows": 1500, "batch_rows": 250, "width": 16_000},
        destination={"seconds_per_batch": 0.1},
        settings=ConnectionSettings(max_parallel_streams=streams),
    )
    before = worker.process_handle.memory_info().rss
    highest = 0

    def ended(job: Job) -> bool:
        nonlocal highest
        highest = max(highest, worker.process_handle.memory_info().rss)
        return job.state == Job.STATE_SUCCEEDED

    job = flow.watch_until(flow.start(), ended, 60)
    (done,) = [line for line in flow.logs(job) if line.message == "attempt 1 is done"]
    print(f"{done.attributes}, resident {before} to {highest}")  # noqa: T201  # pytest shows it when the test fails
    in_flight = int(done.attributes["most_bytes_in_flight"])
    assert 40 << 20 < in_flight <= 64 << 20
    assert highest - before < 256 << 20
    assert all(len(flow.rows(f"numbers{index}")) == 1500 for index in range(streams))
