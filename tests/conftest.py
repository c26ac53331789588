"""What every test shares: the fixtures of `fix_*.py`, and the rule that nothing is skipped in silence in CI."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

# Hundreds of processes are started, and in each the threads of numpy's BLAS would spin for a moment.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Servers written in Go, Temporal and S3 above all, look for garbage less often than where memory is short.
os.environ.setdefault("GOGC", "400")
# The usual threshold looks for garbage among everything that was imported some hundred times in each file.
gc.set_threshold(20_000, 20, 100)

pytest_plugins = sorted(path.stem for path in Path(__file__).parent.glob("fix_*.py"))

_LONGEST_FIRST = (
    "faults/test_random_faults.py",
    "conformance/test_source_postgres.py",
    "end_to_end/test_memory.py",
    "conformance/test_destination_s3.py",
    "conformance/test_typescript.py",
    "local/test_demo.py",
    "faults/test_former_failures.py",
    "docker/test_other_engine.py",
    "conformance/test_images_of_systems.py",
    "deployment/test_upgrade.py",
    "worker/test_takeover.py",
    "conformance/test_command.py",
    "authoring/test_new.py",
    "local/test_up.py",
    "web/test_reach.py",
    "web/test_flows.py",
    "web/test_watching.py",
    "authoring/test_run.py",
    "source_postgres/test_snapshot.py",
    "worker/test_broken_sources.py",
    "worker/test_kill.py",
    "end_to_end/test_rude_connectors.py",
    "destination_s3/test_memory.py",
    "server/test_caretaker.py",
    "cli/test_following.py",
    "end_to_end/test_drift.py",
    "destination_s3/test_publishing.py",
    "destination_s3/test_faults_of_the_store.py",
    "worker/test_sync.py",
    "conformance/test_destination_local.py",
    "end_to_end/test_schedules.py",
    "server/test_schedules.py",
)
"""Files of half a minute and more: one that begins late runs on alone, when the other processes have nothing left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first; the others follow in the order of their names, as ever."""
    here = Path(__file__).parent
    ranks = {here / name: rank for rank, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
