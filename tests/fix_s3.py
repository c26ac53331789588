"""An S3 server for tests: one a session, and one bucket a test."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from towpath_local.embedded.s3 import EmbeddedS3

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    """An S3 server for the whole session; a test that kills a server starts its own."""
    with EmbeddedS3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_client(s3: EmbeddedS3) -> Iterator[S3Client]:
    """A boto3 client with the server's keys."""
    with contextlib.closing(s3.client()) as client:  # or the server, when it stops, waits for it for seconds
        yield client


@pytest.fixture
def s3_bucket(s3: EmbeddedS3, s3_client: S3Client) -> Iterator[str]:
    """The name of an empty bucket that is removed, with all it holds, after the test."""
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(bucket)
    yield bucket
    s3_client.delete_bucket(Bucket=bucket)  # this server removes the objects with it
