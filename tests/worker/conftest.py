"""The rig that most tests of the worker share: one server, one worker, both test connectors registered."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_programs import launcher, program, run_dir
from towpath_local.embedded import EmbeddedTemporal
from worker_rig import RigWorker, WorkerRig

__all__ = ["chance", "launcher", "own_rig", "program", "rig", "run_dir", "worker"]


@pytest.fixture(scope="session")
def rig(temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerRig]:
    """A server without a worker; tests that kill it make their own."""
    with WorkerRig(tmp_path_factory.mktemp("rig"), temporal) as running:
        yield running


@pytest.fixture(scope="session")
def worker(rig: WorkerRig) -> Iterator[RigWorker]:
    """A worker for the session, with `numbers` and `folder` registered; tests that kill one make their own."""
    with rig.worker(start_timeout=10) as running:
        rig.register_all()
        yield running


@pytest.fixture
def own_rig(temporal: EmbeddedTemporal, tmp_path: Path) -> Iterator[WorkerRig]:
    """A server of the test's own, whose queue no other worker serves."""
    with WorkerRig(tmp_path / "rig", temporal) as rig:
        yield rig


@pytest.fixture
def chance() -> random.Random:
    """Draws the moment; set TOWPATH_TEST_SEED to the seed that a failed test printed to repeat it."""
    seed = int(os.environ.get("TOWPATH_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"TOWPATH_TEST_SEED={seed}")  # noqa: T201  # pytest shows it when the test fails
    return random.Random(seed)
