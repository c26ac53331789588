"""The demo's servers: PostgreSQL, an S3 server, and `towpath up` as a process of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from towpath_cli.endpoint import Endpoint, read_endpoint
from towpath_sdk.errors import Misconfigured

from towpath_local.demo.containers import IMAGES, Containers
from towpath_local.embedded import EmbeddedPostgres, EmbeddedS3
from towpath_local.embedded.ports import LOOPBACK
from towpath_local.embedded.process import Command, SupervisedProcess

__all__ = ["BUCKET", "DATABASE", "Stage", "open_stage", "reset"]

DATABASE = "shop"
BUCKET = "lake"

_READY_SECONDS = 240.0

_POSTGRES_SETTINGS: Mapping[str, str] = {
    # A sample database can be made again: speed counts for more than surviving a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
}


@dataclass(frozen=True)
class Stage:
    """Everything that the demo talks to."""

    root: Path
    postgres: EmbeddedPostgres
    s3: EmbeddedS3
    up: SupervisedProcess
    images: Mapping[str, str]
    """Images of connectors by their names; empty when they run as processes."""

    @property
    def towpath_folder(self) -> Path:
        """Data folder of `towpath up`."""
        return self.root / "towpath"

    def endpoint(self) -> Endpoint:
        """Wait until Towpath is ready. Raises ServerExited or ServerNotReady."""

        def probe() -> str | None:
            endpoint = read_endpoint(self.towpath_folder)
            return None if endpoint is not None and endpoint.pid == self.up.pid else "it is still starting"

        self.up.wait_until_ready(probe, _READY_SECONDS)
        endpoint = read_endpoint(self.towpath_folder)
        assert endpoint is not None
        return endpoint


@contextmanager
def open_stage(root: Path, containers: Containers | None = None) -> Generator[Stage]:
    """Start all servers on the folder `root`, side by side, and stop them whatever happens.

    PostgreSQL and S3 serve when this returns, Towpath may still be starting; with `containers` they listen where those
    reach them, and Towpath remains on the loopback address, where they do not. Raises EmbeddedServerError.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    host = LOOPBACK if containers is None else containers.host
    postgres = EmbeddedPostgres(root / "postgres", settings=_POSTGRES_SETTINGS, host=host)
    s3 = EmbeddedS3(root / "s3", host=host)
    with ExitStack() as stack:
        up = SupervisedProcess(_up(root, containers))
        stack.callback(up.stop)
        for server in (postgres, s3):
            stack.callback(server.stop)
        with ThreadPoolExecutor(2) as pool:
            for started in [pool.submit(server.start) for server in (postgres, s3)]:
                started.result()
        with postgres.connect() as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            postgres.create_database(DATABASE)
        if not any(bucket.get("Name") == BUCKET for bucket in s3.client().list_buckets()["Buckets"]):
            s3.create_bucket(BUCKET)
        yield Stage(root, postgres, s3, up, {} if containers is None else IMAGES)


def reset(root: Path) -> None:
    """Remove what earlier runs left. Raises OSError, and Misconfigured for a folder that no demo made."""
    if root.exists() and not (root / "towpath").is_dir() and any(root.iterdir()):
        raise Misconfigured(f"{root} does not look like a demo's folder; remove it yourself")
    shutil.rmtree(root, ignore_errors=False) if root.exists() else None


def _up(root: Path, containers: Containers | None) -> Command:
    return Command(
        name="towpath up",
        argv=[sys.executable, "-m", "towpath_local", "--data-dir", str(root / "towpath")],
        log=root / "towpath-up.log",
        environment={"PYTHONUNBUFFERED": "1", **({"DOCKER_HOST": containers.url} if containers is not None else {})},
        stop_seconds=60,
    )
