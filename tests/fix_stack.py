"""A whole Towpath for tests: `towpath up`, one a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import FAST, Stack


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where stacks that are given it keep what the first of them registers; all processes of pytest share it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "stack-folder"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, stack_folder: Path) -> Iterator[Stack]:
    """A running Towpath for the whole session; a test that stops or reconfigures one makes its own `Stack`.

    Parts that a test kills are started again by the supervisor, so that such tests may share it.
    """
    with Stack(tmp_path_factory.mktemp("stack") / "data", FAST, stack_folder) as running:
        yield running
