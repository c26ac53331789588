"""A whole Towpath for tests: `towpath up`, one a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stack import FAST, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Towpath for the whole session; a test that stops or reconfigures one makes its own `Stack`.

    Parts that a test kills are started again by the supervisor, so that such tests may share it.
    """
    with Stack(tmp_path_factory.mktemp("stack") / "data", FAST) as running:
        yield running
