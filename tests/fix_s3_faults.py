"""A proxy in front of the session's S3 server that hurts requests; see `s3_faults` for rules and faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from s3_faults import S3FaultProxy
from towpath_local.embedded.s3 import EmbeddedS3


@pytest.fixture
def s3_faults(s3: EmbeddedS3) -> Iterator[S3FaultProxy]:
    """Passes everything on until a test sets `s3_faults.rule`; configure connectors with `s3_faults.endpoint`."""
    with S3FaultProxy(s3.endpoint) as proxy:
        yield proxy
