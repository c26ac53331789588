"""Progress: what a person who waits can see, once a second."""

from __future__ import annotations

from itertools import pairwise

from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job, Progress
from worker_flow import progress_of, stream
from worker_rig import RigWorker, WorkerRig


def test_progress_of_every_stream_is_reported_once_a_second(rig: WorkerRig, worker: RigWorker) -> None:
    """Rows, bytes and rates, read and committed: a bar that stands still makes people cancel."""
    flow = rig.connect(
        stream("numbers0"),
        stream("numbers1"),
        source={"streams": 2, "rows": 5000, "seconds_per_batch": 0.1, "width": 1000},
        settings=ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1}),
    )
    jobs = list(flow.client.jobs.watch(flow.start().name))
    assert jobs[-1].state == Job.STATE_SUCCEEDED
    for name in ("numbers0", "numbers1"):
        seen = [progress_of(job, name).progress for job in jobs]
        moving = distinct([report for report in seen if 0 < report.rows_read < 5000])
        assert len(moving) >= 3, seen
        for before, after in pairwise(seen):
            assert before.rows_read <= after.rows_read
            assert before.rows_committed <= after.rows_committed <= after.rows_read
        # A rate, not a sum: the source waits between batches, so even all that waited behind a stall is less than this.
        # The first reports may be of one moment, which makes no rate or a wild one.
        assert 0 < moving[-1].rows_per_second < 5000, seen
        rated = [report for report in moving if report.rows_per_second]
        assert all(report.bytes_per_second > 1000 * report.rows_per_second for report in rated)
        assert any(0 < report.rows_committed < 5000 for report in moving)
        last = seen[-1]
        assert (last.rows_read, last.rows_committed, last.rows_rejected) == (5000, 5000, 0)
        assert last.bytes_read == last.bytes_committed > 5_000_000
        assert last.commits > 1
    assert jobs[-1].total.rows_committed == 10_000


def distinct(reports: list[Progress]) -> list[Progress]:
    """Reports that differ in what was read from the one before."""
    by_rows = {report.rows_read: report for report in reports}
    return list(by_rows.values())
