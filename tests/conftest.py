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

_LONGEST_FIRST = (
    "faults/test_random_faults.py",
    "docker/test_jobs.py",
    "docker/test_other_engine.py",
    "end_to_end/test_memory.py",
    "conformance/test_typescript.py",
    "local/test_demo.py",
    "web/test_flows.py",
    "local/test_up.py",
    "web/test_watching.py",
    "source_postgres/test_snapshot.py",
    "web/test_reach.py",
    "worker/test_broken_sources.py",
    "worker/test_takeover.py",
    "server/test_caretaker.py",
    "conformance/test_source_postgres.py",
    "authoring/test_new.py",
    "cli/test_following.py",
    "conformance/test_destination_s3.py",
    "faults/test_former_failures.py",
    "worker/test_tasks.py",
    "conformance/test_connector_images.py",
    "worker/test_streams.py",
    "conformance/test_images_of_systems.py",
    "worker/test_kill.py",
    "worker/test_forks.py",
    "worker/test_first_starts.py",
    "worker/test_fork_servers.py",
    "docker/test_launching.py",
    "docker/test_building.py",
    "deployment/test_topology.py",
    "end_to_end/test_rude_connectors.py",
    "server/test_connectors.py",
    "server/test_schedules.py",
    "destination_s3/test_faults_of_the_store.py",
    "end_to_end/test_many_tables.py",
    "destination_s3/test_publishing.py",
    "end_to_end/test_schedules.py",
    "end_to_end/test_failing_runs.py",
    "source_postgres/test_incremental.py",
    "sdk/test_process.py",
    "worker/test_worker_tokens.py",
    "source_faker/test_memory.py",
    "worker/test_sync.py",
    "end_to_end/test_drift.py",
    "end_to_end/test_shapes.py",
    "deployment/test_upgrade.py",
    "conformance/test_command.py",
    "destination_s3/test_files.py",
    "worker/test_cancel.py",
    "end_to_end/test_modes.py",
    "destination_local/test_memory.py",
    "server/test_observation.py",
    "conformance/test_image.py",
    "conformance/test_destination_local.py",
    "server/test_process.py",
    "server/test_connections.py",
    "local/test_embedded_s3.py",
    "end_to_end/test_cancel.py",
    "server/test_follow.py",
    "server/test_migrations.py",
    "destination_s3/test_memory.py",
    "authoring/test_run.py",
)
"""Files of a quarter of a minute and more: one that begins late runs on alone at the end. Those of the browser stand
where no test of Docker is near: Chromium drops what it loads whenever a network of the machine comes or goes."""


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, but not where a process of pytest-xdist only hands tests to others: they take a second."""
    if config.getoption("dist", "no") == "no" or hasattr(config, "workerinput"):
        for path in sorted(Path(__file__).parent.glob("fix_*.py")):
            config.pluginmanager.import_plugin(path.stem)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first; the others follow in the order of their names, as ever."""
    here = Path(__file__).parent
    ranks = {here / name: rank for rank, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
