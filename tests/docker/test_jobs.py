"""Jobs whose two connectors are containers: exact through their deaths, limited, and gone afterwards."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from destination_s3_steps import ids, objects
from end_to_end_pipe import new_name, stream
from fix_docker import DockerEngine
from stack import FAST, Stack, s3_config
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath.control.v1.limits_pb2 import ContainerLimits
from towpath_local.data_folder import DataFolder
from towpath_local.embedded.docker import host_address
from towpath_local.embedded.s3 import EmbeddedS3
from worker_rig import until

_RUN_DIR, _JOB, _CONNECTOR = "io.towpath.run-dir", "io.towpath.job", "io.towpath.connector"
"""Labels of what a worker makes."""

ROWS = 20_000
LASTING = {"batch_rows": 500, "checkpoint_rows": 1000, "latency_seconds": 0.15, "row_bytes": 500}
"""Forty batches and six seconds of reading."""


@dataclass(frozen=True)
class Harbour:
    """A Towpath with both images registered, and a store that containers reach."""

    stack: Stack
    client: Any
    s3: EmbeddedS3

    def connect(self, source: dict[str, Any] | None = None, **settings: Any) -> tuple[str, str]:
        """Connect made-up customers with an empty bucket; return the connection and the bucket."""
        name, bucket = new_name(), f"docker-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(bucket)
        often: dict[str, Any] = {"commit_bytes": 1 << 20, "commit_interval": {"seconds": 1}}
        wanted = Connection(
            source=f"sources/{name}",
            destination=f"destinations/{name}",
            streams=[stream("customers", namespace="")],
            settings=ConnectionSettings(**{**often, **settings}),
        )
        with self.stack.client() as client:
            client.sources.create(name, "faker-image", {"seed": 7, "rows": ROWS, **(source or {})})
            client.destinations.create(name, "s3-image", s3_config(self.s3, bucket))
            return client.connections.create(name, wanted).name, bucket

    def start(self, connection: str) -> Job:
        """Start a job, and return it once it has committed some of its rows, and not all."""
        with self.stack.client() as client:
            job = client.connections.sync(connection)
            until(lambda: client.jobs.get(job.name).total.rows_committed > 0, "rows are committed", 120)
            return job

    def containers(self, role: str = "") -> list[Any]:
        """Containers that run for jobs of this Towpath."""
        found = self.client.containers.list(all=True, filters={"label": _RUN_DIR}, ignore_removed=True)
        return [
            one
            for one in found
            if self._is_mine(one.labels) and one.labels[_CONNECTOR].startswith(role) and one.labels[_JOB]
        ]

    def assert_exact(self, bucket: str) -> None:
        """Every row is there, once."""
        client = self.s3.client()
        files = [key for key in objects(client, bucket) if key.endswith(".parquet")]
        assert ids(client, bucket, files) == list(range(1, ROWS + 1))

    def assert_gone(self) -> None:
        """No container and no network of a connector is left."""
        until(lambda: not self.containers(), "every container is gone", 60)
        until(lambda: not self._networks(), "every network is gone", 60)

    def _networks(self) -> list[Any]:
        found = self.client.networks.list(filters={"label": _RUN_DIR})
        return [one for one in found if self._is_mine(one.attrs["Labels"])]

    def _is_mine(self, labels: Mapping[str, str]) -> bool:
        """Other sessions of tests may use the same engine at the same time."""
        run_dir = str(DataFolder(self.stack.data_dir).run_dir)
        return labels[_RUN_DIR].startswith(run_dir)


@pytest.fixture(scope="module")
def harbour(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """One for the tests of this file."""
    images = {name: docker_engine.connector(name) for name in ("source-faker", "destination-s3")}
    folder = tmp_path_factory.mktemp("docker")
    environ = {**FAST, **docker_engine.environ, "TOWPATH_WORKER_START_TIMEOUT": "90"}
    with (
        EmbeddedS3(folder / "s3", host=host_address(docker_engine.client)) as s3,
        Stack(folder / "up", environ) as running,
    ):
        with running.client() as client:
            client.connectors.create("faker-image", image=images["source-faker"])
            limits = ContainerLimits(memory_bytes=700 << 20)
            client.connectors.create("s3-image", image=images["destination-s3"], limits=limits)
        yield Harbour(running, docker_engine.client, s3)


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
    harbour.containers("source")[0].pause()
    with harbour.stack.client() as client:
        client.jobs.cancel(job.name)
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_CANCELLED, job
    harbour.assert_gone()


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
