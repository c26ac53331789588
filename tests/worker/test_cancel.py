"""A cancel: connectors stop within five seconds whatever they do, and what was committed stays."""

from __future__ import annotations

import time
from pathlib import Path

from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from worker_flow import Flow, numbers, stream
from worker_rig import RigWorker, WorkerRig, until

OFTEN = ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1})


def cancel(flow: Flow, job: Job) -> Job:
    """Cancel, and insist on the five seconds that users were promised."""
    asked = time.monotonic()
    flow.client.jobs.cancel(job.name)
    job = flow.wait(job)
    assert time.monotonic() - asked < 5, flow.explain(job)
    assert job.state == Job.STATE_CANCELLED, flow.explain(job)
    return job


def test_cancel_keeps_what_an_incremental_stream_committed(rig: WorkerRig, worker: RigWorker) -> None:
    """State and rows move together: the next job continues after the last commit, with no row lost or doubled."""
    source = {"rows": 3000, "seconds_per_batch": 0.1, "width": 1000}
    flow = rig.connect(stream(read="INCREMENTAL", cursor_column="n"), source=source, settings=OFTEN)
    job = flow.watch_until(flow.start(), lambda job: job.total.commits)
    committed = cancel(flow, job).total.rows_committed
    until(lambda: worker.connectors() == [], "every connector has ended")
    until(lambda: worker.folders() == [], "every folder is gone")
    assert 0 < committed < 3000
    assert flow.rows() == numbers(committed, width=1000)
    flow.reconfigure(seconds_per_batch=0)
    flow.succeed()
    assert flow.rows() == numbers(3000, width=1000)


def test_cancel_discards_half_a_snapshot(rig: WorkerRig, worker: RigWorker) -> None:
    """Readers keep the generation that they had."""
    flow = rig.connect(stream(), source={"rows": 100}, settings=OFTEN)
    flow.succeed()
    flow.reconfigure(rows=3000, seconds_per_batch=0.1, width=1000)
    cancel(flow, flow.watch_until(flow.start(), lambda job: job.total.commits))
    assert flow.rows() == numbers(100)
    assert flow.staged() == []


def test_cancel_ends_a_source_that_blocks_and_ignores_signals(
    rig: WorkerRig, worker: RigWorker, tmp_path: Path
) -> None:
    """A driver that hangs in the network, in a process that catches SIGTERM, with a child: the worst that happens."""
    fault = tmp_path / "fault"
    fault.write_text("")
    connector = rig.register("rude-deaf", "rude_source.py", str(fault))
    flow = rig.connect(stream("blocks"), source_connector=connector)
    fault.write_text("is_deaf")
    job = flow.start()
    until(lambda: len(worker.connectors()) == 3, "source, its child, and destination run")
    time.sleep(0.5)  # until the source is deep in its call
    cancel(flow, job)
    until(lambda: worker.connectors() == [], "every connector has ended")
    until(lambda: worker.folders() == [], "every folder is gone")


def test_cancel_before_the_connectors_are_ready_leaves_nothing(
    rig: WorkerRig, worker: RigWorker, tmp_path: Path
) -> None:
    """Most cancels come in the first second, when somebody sees a typing mistake."""
    fault = tmp_path / "fault"
    fault.write_text("")
    connector = rig.register("rude-slow", "rude_source.py", str(fault))
    flow = rig.connect(stream("polite"), source_connector=connector)
    fault.write_text("hangs")
    job = flow.start()
    until(worker.connectors, "the source was started")
    cancel(flow, job)
    until(lambda: worker.connectors() == [], "every connector has ended")
    until(lambda: worker.folders() == [], "every folder is gone")
