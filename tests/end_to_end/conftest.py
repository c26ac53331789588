"""One running Towpath for all tests of this folder; a job costs seconds, so that tests share those they look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from end_to_end_pipe import Pipe, fresh_pipe
from stack import Stack
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.s3 import EmbeddedS3


@pytest.fixture
def pipe(stack: Stack, postgres: EmbeddedPostgres, s3: EmbeddedS3) -> Iterator[Pipe]:
    """An empty database, an empty bucket, and a Towpath between them."""
    with fresh_pipe(stack, postgres, s3) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def shared_pipe(stack: Stack, postgres: EmbeddedPostgres, s3: EmbeddedS3) -> Iterator[Pipe]:
    """The same, one for all tests of a module."""
    with fresh_pipe(stack, postgres, s3) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def other_pipe(stack: Stack, postgres: EmbeddedPostgres, s3: EmbeddedS3) -> Iterator[Pipe]:
    """A second one of the module."""
    with fresh_pipe(stack, postgres, s3) as fresh:
        yield fresh
