"""The two ways that are compared: each moves the whole table into a prefix of its own, and is metered while it does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
from towpath.connector.v1 import types_pb2
from towpath.control.v1.connections_pb2 import Connection
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client import Client
from towpath_cli.names import stream_text
from towpath_cli.target import Target

from bench.processes import ProcessMeter, Usage
from bench.servers import BUCKET, Servers

__all__ = ["Run", "fingerprint", "run_ideal", "run_towpath"]

_ROLES: Mapping[str, str] = {
    "bench.ideal": "ideal",
    "towpath_source_postgres": "source",
    "towpath_destination_s3": "destination",
    "towpath_worker": "worker",
    "towpath_server": "server",
    "towpath_local": "up",
    "temporal": "temporal",
    "postgres": "postgresql",
    "weed": "s3 server",
}
_CLIENT_ROLES = {"ideal", "source", "destination", "worker", "server", "up", "temporal"}


@dataclass(frozen=True)
class Run:
    """One measured run. Seconds of wall time; usage by role."""

    way: str
    seconds: float
    usage: Mapping[str, Usage]

    @property
    def client_cpu_seconds(self) -> float:
        """CPU seconds of everything but PostgreSQL and the S3 server."""
        return sum(usage.cpu_seconds for role, usage in self.usage.items() if role in _CLIENT_ROLES)

    def as_json(self) -> dict[str, object]:
        """The run as JSON; bytes for memory."""
        return {
            "way": self.way,
            "seconds": round(self.seconds, 3),
            "client_cpu_seconds": round(self.client_cpu_seconds, 2),
            "processes": {
                role: {"cpu_seconds": round(usage.cpu_seconds, 2), "peak_rss_bytes": usage.peak_rss_bytes}
                for role, usage in sorted(self.usage.items())
            },
        }


def run_ideal(servers: Servers, prefix: str) -> Run:
    """Run the ideal in a process of its own, from its start to its end."""
    job = {
        "source": servers.source(),
        "table": ["public", "lineitem"],
        "destination": servers.destination(prefix),
    }
    process: list[subprocess.Popen[str]] = []

    def work() -> None:
        process.append(
            subprocess.Popen(
                [sys.executable, "-m", "bench.ideal"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        answer, _ = process[0].communicate(json.dumps(job))
        assert process[0].returncode == 0, "the ideal failed"
        assert json.loads(answer)["rows"] == servers.rows

    return _metered("ideal", servers, work, own_children=True)


def run_towpath(servers: Servers, prefix: str) -> Run:
    """Create a connection through the API and run it: from the request to the end of the job."""
    with Client(Target(servers.address)) as client:
        name = f"bench-{prefix}"
        client.sources.create(name, "source-postgres", servers.source())
        client.destinations.create(name, "destination-s3", servers.destination(prefix))
        wanted = Connection(source=f"sources/{name}", destination=f"destinations/{name}")
        wanted.streams.add(
            name={"namespace": "public", "name": "lineitem"},
            read_mode=types_pb2.READ_MODE_SNAPSHOT,
            write_mode=types_pb2.WRITE_MODE_OVERWRITE,
        )
        connection = client.connections.create(name, wanted).name

        def work() -> None:
            job = client.connections.sync(connection)
            for picture in client.jobs.watch(job.name):
                job = picture
            assert job.state == Job.STATE_SUCCEEDED, f"the job failed: {job}"
            moved = {stream_text(stream.name): stream.progress.rows_committed for stream in job.streams}
            assert moved == {"public.lineitem": servers.rows}, moved

        return _metered("towpath", servers, work, own_children=False)


def fingerprint(servers: Servers, prefix: str) -> tuple[int, int]:
    """Count the rows below a prefix, and add up a hash of each, independently of order and of both ways."""
    client = servers.s3.client()
    folder = servers.folder / "fetched" / prefix
    folder.mkdir(parents=True, exist_ok=True)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    keys = [item.get("Key", "") for page in pages for item in page.get("Contents", [])]
    files: list[str] = []
    for key in keys:
        if key.endswith(".parquet"):
            files.append(str(folder / f"{len(files)}.parquet"))
            client.download_file(BUCKET, key, files[-1])
    with duckdb.connect() as duck:
        names = ", ".join(duck.read_parquet(files).columns)
        found = duck.read_parquet(files).aggregate(f"count(*), sum(hash({names})::hugeint)::hugeint").fetchone()
    shutil.rmtree(folder)
    for key in keys:
        client.delete_object(Bucket=BUCKET, Key=key)
    assert found is not None
    return int(found[0]), int(found[1])


def _metered(way: str, servers: Servers, work: Callable[[], None], *, own_children: bool) -> Run:
    client = os.getpid() if own_children else servers.up.pid
    roots = [client, servers.postgres.pid, servers.s3.pid]
    others = _CLIENT_ROLES - {"ideal"} if own_children else set[str]()

    def counted(command: list[str]) -> str | None:
        role = _role(command)
        return None if role in others else role

    with ProcessMeter(roots, counted) as meter:
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
    return Run(way, seconds, meter.usage())


def _role(command: list[str]) -> str | None:
    text = " ".join(command)
    return next((role for part, role in _ROLES.items() if part in text), None)
