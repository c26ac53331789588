"""A Towpath whose connectors are containers, on any engine of this machine, and what tests of it ask."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from destination_s3_steps import ids, objects
from end_to_end_pipe import new_name, stream
from stack import FAST, Stack, s3_config
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath.control.v1.limits_pb2 import ContainerLimits
from towpath_local.data_folder import DataFolder
from towpath_local.embedded.docker import host_address
from towpath_local.embedded.s3 import EmbeddedS3
from worker_rig import until

__all__ = ["LASTING", "Harbour", "harbour_at"]

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


@contextmanager
def harbour_at(
    folder: Path, client: Any, environ: Mapping[str, str], images: Mapping[str, str], kept: Path
) -> Generator[Harbour]:
    """Run a Towpath on the engine of `client`, with the images of source-faker and destination-s3 registered.

    `environ` leads its worker to the engine; `kept` is the fixture `stack_folder`.
    """
    with (
        EmbeddedS3(folder / "s3", host=host_address(client)) as s3,
        Stack(folder / "up", {**FAST, "TOWPATH_WORKER_START_TIMEOUT": "90", **environ}, kept) as running,
    ):
        with running.client() as control:
            control.connectors.create("faker-image", image=images["source-faker"])
            limits = ContainerLimits(memory_bytes=700 << 20)
            control.connectors.create("s3-image", image=images["destination-s3"], limits=limits)
        yield Harbour(running, client, s3)
