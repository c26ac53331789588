"""Jobs whose two connectors are containers: exact through their deaths, limited, and gone afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from docker_harbour import LASTING, Harbour, harbour_at
from fix_docker import DockerEngine
from towpath.control.v1.jobs_pb2 import Job
from towpath.control.v1.limits_pb2 import ContainerLimits
from worker_rig import until


@pytest.fixture(scope="module")
def harbour(
    docker_engine: DockerEngine, stack_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harbour]:
    """One for the tests of this file."""
    images = {name: docker_engine.connector(name) for name in ("source-faker", "destination-s3")}
    folder = tmp_path_factory.mktemp("docker")
    with harbour_at(folder, docker_engine.client, docker_engine.environ, images, stack_folder) as made:
        yield made


def test_a_job_moves_its_rows_from_container_to_container(harbour: Harbour) -> None:
    """And each is bounded as its connection says, or its connector."""
    connection, bucket = harbour.connect(LASTING, source_limits=ContainerLimits(memory_bytes=600 << 20))
    with harbour.stack.client() as client:
        job = client.connections.sync(connection)
    until(lambda: len(harbour.containers()) == 2, "both containers run", 60)
    running = harbour.containers()
    memory = {one.labels["io.towpath.connector"].split()[0]: one.attrs["HostConfig"]["Memory"] >> 20 for one in running}
    assert memory == {"source": 600, "destination": 700}
    assert {one.labels["io.towpath.job"] for one in running} == {job.name}
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_SUCCEEDED, job
    harbour.assert_exact(bucket)
    harbour.assert_gone()


@pytest.mark.parametrize("role", ["source", "destination"])
def test_a_container_that_is_killed_costs_an_attempt_and_no_row(harbour: Harbour, role: str) -> None:
    """As with a process."""
    connection, bucket = harbour.connect(LASTING)
    job = harbour.start(connection)
    harbour.containers(role)[0].kill()
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_SUCCEEDED, job
    assert "was killed by SIGKILL" in job.attempts[0].failure.message
    assert len(job.attempts) > 1
    harbour.assert_exact(bucket)
    harbour.assert_gone()


def test_a_connector_that_needs_more_memory_says_so(harbour: Harbour) -> None:
    """Who reads it can raise the limit, which is the connection's here."""
    limits = ContainerLimits(memory_bytes=64 << 20)
    connection, _ = harbour.connect({"row_bytes": 8000}, destination_limits=limits, max_attempts=1)
    job = harbour.stack.sync(connection)
    assert job.state == Job.STATE_FAILED
    assert job.failure.reason == "CONNECTOR_OUT_OF_MEMORY", job
    assert "more than its 64 MiB of memory" in job.failure.message
    harbour.assert_gone()


def test_a_paused_container_can_be_cancelled_and_removed(harbour: Harbour) -> None:
    """It answers nothing, not even a signal to end."""
    connection, _ = harbour.connect(LASTING)
    job = harbour.start(connection)
    pause(harbour.containers("source")[0])
    with harbour.stack.client() as client:
        client.jobs.cancel(job.name)
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_CANCELLED, job
    harbour.assert_gone()


def pause(container: Any) -> None:
    """Freeze every process of a container. A kernel that has much to do may fail to, and says so; then once more."""
    deadline = time.monotonic() + 30
    while True:
        try:
            container.pause()
        except APIError as error:
            if "unable to freeze" not in str(error) or time.monotonic() > deadline:
                raise
        else:
            return


def test_a_worker_that_is_killed_takes_its_containers_along(harbour: Harbour) -> None:
    """Nobody else would stop them before the next worker; that one goes on after the last commit."""
    connection, bucket = harbour.connect(LASTING)
    job = harbour.start(connection)
    orphans = {one.id for one in harbour.containers()}
    os.kill(harbour.stack.pid("worker"), signal.SIGKILL)
    until(lambda: not orphans & {one.id for one in harbour.containers()}, "the orphans are gone", 60)
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_SUCCEEDED, job
    harbour.assert_exact(bucket)
    harbour.assert_gone()
