"""A Temporal server for tests: one a session, with the namespace `towpath`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from towpath_local.embedded.temporal import EmbeddedTemporal


@pytest.fixture(scope="session")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    """A Temporal server for the whole session; a test that kills a server starts its own."""
    with EmbeddedTemporal(tmp_path_factory.mktemp("temporal")) as server:
        yield server
