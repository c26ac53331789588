"""Attempts that end although their connectors are well: a worker that dies, freezes, is stopped, or loses its lease.

The scenarios mostly wait for Temporal to miss a heartbeat, so they run at the same time, each with a server of its own.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded import EmbeddedTemporal
from worker_flow import Flow, numbers, stream
from worker_rig import WorkerRig, until

OFTEN = ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1})
SLOW: Mapping[str, object] = {"rows": 6000, "width": 1000, "seconds_per_batch": 0.1}
"""Six seconds of rows."""


def slow_flow(rig: WorkerRig, *, destination: Mapping[str, object] | None = None, **source: object) -> Flow:
    selected = stream(read="INCREMENTAL", cursor_column="n")
    return rig.connect(selected, source={**SLOW, **source}, destination=destination, settings=OFTEN)


def assert_exact(flow: Flow, job: Job) -> None:
    assert job.state == Job.STATE_SUCCEEDED, flow.explain(job)
    assert flow.rows() == numbers(6000, width=1000)
    assert flow.staged() == []


def worker_is_killed(rig: WorkerRig) -> None:
    """In the middle of a transfer, of a publication, and of a start, all at once."""
    seed = int(os.environ.get("TOWPATH_TEST_SEED") or random.SystemRandom().getrandbits(32))
    (fault := rig.root / "fault").write_text("")
    run_dir = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    with rig.worker(run_dir) as first:
        rig.register_all()
        connector = rig.register("rude", "rude_source.py", str(fault))
        starting = rig.connect(stream("polite"), source_connector=connector)
        publishing = slow_flow(rig, destination={"seconds_in_complete": 8}, seconds_per_batch=0)
        moving = slow_flow(rig)
        fault.write_text("hangs")
        started, published = starting.start(), publishing.start()
        until(publishing.rows, "the publication has begun")
        moved = moving.start()
        wanted = [*["folder_destination.py"] * 3, "numbers_source.py", "rude_source.py"]
        until(lambda: first.programs() == wanted, f"every job has its connectors (TOWPATH_TEST_SEED={seed})")
        time.sleep(random.Random(seed).uniform(0.5, 3))
        frozen = first.connector("numbers_source.py")
        frozen.suspend()
        assert first.forking() != []
        first.kill()
    until(lambda: len(first.connectors()) == 2, "connectors of the SDK notice that their parent is gone")
    (rude,) = [process for process in first.connectors() if process.pid != frozen.pid]
    assert "rude_source.py" in " ".join(rude.cmdline())
    until(lambda: first.forking() == [], "what forks connectors notices it too")
    fault.write_text("")
    with rig.worker(run_dir) as second:
        assert len(list(run_dir.glob("w-*"))) == 1, "the next worker cleans up"
        for flow, job in ((publishing, published), (moving, moved), (starting, started)):
            ended = flow.wait(job)
            assert ended.state == Job.STATE_SUCCEEDED, f"TOWPATH_TEST_SEED={seed}\n{flow.explain(ended)}"
        for flow, job in ((publishing, published), (moving, moved)):
            assert_exact(flow, flow.wait(job))
        assert starting.rows("polite") == [{"n": number} for number in range(10)]
        until(lambda: second.connectors() == [], "every connector has ended")
        until(lambda: second.folders() == [], "every folder is gone")
    run_dir.rmdir()


def worker_is_frozen(rig: WorkerRig) -> None:
    """For as long as Temporal takes to give its job to another worker, and a little longer."""
    with rig.worker() as frozen:
        rig.register_all()
        flow = slow_flow(rig, seconds_per_batch=0.2)
        job = flow.watch_until(flow.start(), lambda job: job.total.commits)
        frozen.process_handle.send_signal(signal.SIGSTOP)
        try:
            with rig.worker() as second:
                flow.watch_until(job, lambda job: len(job.attempts) == 2 and second.connectors(), 60)
                frozen.process_handle.send_signal(signal.SIGCONT)
                until(lambda: not frozen.connectors(), "the late worker stops its connectors", 10)
                until(lambda: "overtaken: the newest epoch is 2" in frozen.log, "the server refuses the old epoch", 10)
                job = flow.wait(job)
                assert len(job.attempts) == 2
                assert job.attempts[1].worker.startswith(f"{second.pid}@")
                assert_exact(flow, job)
        finally:
            frozen.process_handle.send_signal(signal.SIGCONT)


def worker_is_stopped(rig: WorkerRig) -> None:
    """In order, by SIGTERM."""
    with rig.worker() as first:
        rig.register_all()
        flow = slow_flow(rig)
        job = flow.watch_until(flow.start(), lambda job: job.total.commits)
        first.process_handle.send_signal(signal.SIGTERM)
        until(lambda: first.process.exit_status() is not None, "the worker has stopped", 10)
        assert first.process.exit_status() == 0
        until(lambda: first.connectors() == [], "every connector has ended")
        assert list(first.run_dir.iterdir()) == []
        committed = rig.client.jobs.get(job.name).total.rows_committed
        with rig.worker() as second:
            job = flow.wait(job)
            assert [attempt.failure.reason for attempt in job.attempts] == ["WORKER_SHUTDOWN", ""]
            assert job.attempts[1].worker.startswith(f"{second.pid}@")
            assert f"'start': '{committed}'" in flow.log_text(job)
            assert_exact(flow, job)


def lease_is_lost(rig: WorkerRig) -> None:
    """The server is away for longer than the lease that it granted."""
    with rig.worker() as worker:
        rig.register_all()
        flow = slow_flow(rig, seconds_per_batch=0.2)
        job = flow.watch_until(flow.start(), lambda job: job.total.commits)
        rig.server.kill()
        assert len(worker.connectors()) == 2
        until(lambda: not worker.connectors(), "the connectors are stopped, with the server still away")
        until(lambda: worker.folders() == [], "every folder is gone")
        until(lambda: f"the lease of {rig.lease:g} s ran out" in worker.log, "the worker says why", 10)
        rig.server.start()
        job = flow.wait(job)
        assert len(job.attempts) == 2
        assert_exact(flow, job)


Scenario = Callable[[WorkerRig], None]


@pytest.fixture(scope="module")
def scenarios(
    request: pytest.FixtureRequest, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Scenario, Future[None]]]:
    """The scenarios of this module's chosen tests, under way."""

    def run(scenario: Scenario) -> None:
        with WorkerRig(tmp_path_factory.mktemp(scenario.__name__), temporal) as rig:
            scenario(rig)

    chosen = {item.name for item in request.session.items}
    by_test = {
        test_job_of_a_killed_worker_is_taken_over.__name__: worker_is_killed,
        test_attempt_that_wakes_up_late_is_refused.__name__: worker_is_frozen,
        test_worker_that_is_stopped_hands_its_jobs_over.__name__: worker_is_stopped,
        test_worker_without_a_lease_stops_its_connectors.__name__: lease_is_lost,
    }
    with ThreadPoolExecutor() as pool:
        yield {scenario: pool.submit(run, scenario) for test, scenario in by_test.items() if test in chosen}


def test_worker_that_is_stopped_hands_its_jobs_over(scenarios: dict[Scenario, Future[None]]) -> None:
    """A deployment replaces workers all day: it costs a second attempt, and neither rows nor time-outs."""
    scenarios[worker_is_stopped].result()


def test_worker_without_a_lease_stops_its_connectors(scenarios: dict[Scenario, Future[None]]) -> None:
    """A worker that cannot reach the server may have been replaced: it must not go on reading and writing."""
    scenarios[lease_is_lost].result()


def test_job_of_a_killed_worker_is_taken_over(scenarios: dict[Scenario, Future[None]]) -> None:
    """Whatever its jobs were doing, every row arrives once; no orphan, no socket and no folder stays."""
    scenarios[worker_is_killed].result()


def test_attempt_that_wakes_up_late_is_refused(scenarios: dict[Scenario, Future[None]]) -> None:
    """A worker that was frozen must neither commit nor publish what another one has taken over."""
    scenarios[worker_is_frozen].result()
