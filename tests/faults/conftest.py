"""One scene for all fault tests: starting a stack takes longer than a round."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults_lake import Lake
from faults_leftovers import Leftovers, none_within
from faults_rows import Tables, often_committed
from faults_scene import Scene
from faults_strikes import Striker
from fix_postgres import Database
from s3_faults import S3FaultProxy
from stack import FAST, Stack, postgres_config, s3_config
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.s3 import EmbeddedS3

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_CHUNK_BYTES = 1 << 16
"""The least that the source takes, so that it can continue from many points."""


@pytest.fixture(scope="package")
def scene(
    postgres: EmbeddedPostgres,
    s3: EmbeddedS3,
    s3_client: S3Client,
    stack_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """A connection that has run once undisturbed; afterwards nothing of its stack may be left."""
    database, bucket = Database(postgres, f"faults_{uuid.uuid4().hex[:8]}"), f"faults-{uuid.uuid4().hex[:8]}"
    postgres.create_database(database.name)
    s3.create_bucket(bucket)
    environ = {**FAST, "TOWPATH_WORKER_IN_FLIGHT_BYTES": str(1 << 20)}
    stack = Stack(tmp_path_factory.mktemp("faults") / "data", environ, stack_folder)
    tables, leftovers = Tables(database), Leftovers(stack, database)
    tables.create()
    with S3FaultProxy(s3.endpoint) as proxy:
        with stack, stack.client() as client:
            source = postgres_config(database, chunk_bytes=_CHUNK_BYTES)
            client.sources.create("faults", "source-postgres", source)
            destination = s3_config(s3, bucket, endpoint=proxy.endpoint, prefix="lake")
            client.destinations.create("faults", "destination-s3", destination)
            connection = client.connections.create("faults", often_committed("faults")).name
            lake, striker = Lake(s3_client, bucket), Striker(stack, proxy, database)
            scene = Scene(stack, tables, lake, striker, leftovers, client, connection)
            scene.rehearse()
            yield scene
        assert none_within(10, leftovers.stopped) == []
    s3_client.delete_bucket(Bucket=bucket)
    postgres.drop_database(database.name)
