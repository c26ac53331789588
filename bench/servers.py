"""What is measured against: PostgreSQL with the data, an S3 server, and `towpath up`, each kept between runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql
from towpath_cli.endpoint import read_endpoint
from towpath_local.embedded import EmbeddedPostgres, EmbeddedS3
from towpath_local.embedded.process import Command, SupervisedProcess

from bench.lineitem import load_lineitem

__all__ = ["Servers", "open_servers"]

BUCKET = "bench"
_READY_SECONDS = 120.0
_POSTGRES = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "shared_buffers": "256MB",
    "autovacuum": "off",
}


@dataclass(frozen=True)
class Servers:
    """Running servers. `rows` is the size of `public.lineitem`."""

    postgres: EmbeddedPostgres
    s3: EmbeddedS3
    up: SupervisedProcess
    folder: Path
    database: str
    rows: int

    @property
    def address(self) -> str:
        """Where the server of Towpath listens."""
        endpoint = read_endpoint(self.folder / "towpath")
        assert endpoint is not None
        return endpoint.address

    def source(self) -> dict[str, Any]:
        """Configuration of source-postgres."""
        return {
            "host": self.postgres.host,
            "port": self.postgres.port,
            "database": self.database,
            "user": self.postgres.user,
            "password": self.postgres.password,
            "sslmode": "disable",
        }

    def destination(self, prefix: str) -> dict[str, Any]:
        """Configuration of destination-s3, with the same columns as the ideal."""
        return {
            "bucket": BUCKET,
            "prefix": prefix,
            "region": self.s3.region,
            "endpoint": self.s3.endpoint,
            "path_style": True,
            "access_key_id": self.s3.access_key,
            "secret_access_key": self.s3.secret_key,
            "metadata_columns": False,
        }


@contextmanager
def open_servers(folder: Path, scale: float) -> Generator[Servers]:
    """Start everything, load the data unless they are there, and stop everything whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "towpath", ignore_errors=True)  # jobs of earlier runs are of no use
    database = f"sf{scale:g}".replace(".", "_")
    with (
        EmbeddedPostgres(folder / "postgres", settings=_POSTGRES) as postgres,
        EmbeddedS3(folder / "s3") as s3,
    ):
        up = SupervisedProcess(
            Command(
                name="towpath up",
                argv=[sys.executable, "-m", "towpath_local", "--data-dir", str(folder / "towpath")],
                log=folder / "towpath-up.log",
                stop_seconds=60,
            )
        )
        try:
            rows = _load(postgres, database, scale)
            if not any(bucket.get("Name") == BUCKET for bucket in s3.client().list_buckets()["Buckets"]):
                s3.create_bucket(BUCKET)
            up.wait_until_ready(lambda: _starting(folder / "towpath", up.pid), _READY_SECONDS)
            yield Servers(postgres, s3, up, folder, database, rows)
        finally:
            up.stop()


def _starting(data_folder: Path, pid: int) -> str | None:
    endpoint = read_endpoint(data_folder)
    return None if endpoint is not None and endpoint.pid == pid else "it is still starting"


def _load(postgres: EmbeddedPostgres, database: str, scale: float) -> int:
    with postgres.connect() as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).fetchone()
    if found is None:
        print(f"loading TPC-H lineitem at scale factor {scale:g} …", flush=True)
        loading = f"{database}_loading"
        with postgres.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(loading)))
        postgres.create_database(loading)
        load_lineitem(postgres.url(loading), scale)
        with postgres.connect() as connection:
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(loading), sql.Identifier(database)))
    with postgres.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM lineitem").fetchone()
    assert row is not None
    return int(row[0])
