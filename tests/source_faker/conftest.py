"""The faker source behind a real socket, shared by all tests: it keeps nothing between calls."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from towpath_sdk.testing import ConnectorUnderTest, connector_under_test
from towpath_source_faker import FakerSource


@pytest.fixture(scope="package")
def faker() -> Generator[ConnectorUnderTest]:
    """A running source."""
    with connector_under_test(FakerSource()) as connector:
        yield connector
