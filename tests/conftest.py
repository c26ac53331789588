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
    "authoring/test_new.py",
    "worker/test_sync.py",
    "worker/test_takeover.py",
    "source_postgres/test_snapshot.py",
    "worker/test_broken_sources.py",
    "web/test_reach.py",
    "conformance/test_source_postgres.py",
    "faults/test_former_failures.py",
    "server/test_caretaker.py",
    "destination_s3/test_publishing.py",
    "server/test_attempts.py",
    "destination_s3/test_files.py",
    "source_postgres/test_incremental.py",
    "cli/test_following.py",
    "destination_s3/test_faults_of_the_store.py",
    "destination_local/test_memory.py",
    "destination_s3/test_memory.py",
    "conformance/test_destination_s3.py",
    "server/test_schedules.py",
    "worker/test_fork_servers.py",
    "worker/test_tasks.py",
    "server/test_sources.py",
    "server/test_follow.py",
    "server/test_jobs.py",
    "worker/test_streams.py",
    "docker/test_launching.py",
    "deployment/test_upgrade.py",
    "conformance/test_command.py",
    "worker/test_traces.py",
    "deployment/test_topology.py",
    "server/test_process.py",
    "end_to_end/test_shapes.py",
    "server/test_publications.py",
    "conformance/test_images_of_systems.py",
    "authoring/test_run.py",
    "end_to_end/test_modes.py",
    "source_postgres/test_faults.py",
    "worker/test_kill.py",
    "destination_local/test_merging.py",
    "cli/test_checks.py",
    "conformance/test_connector_images.py",
    "conformance/test_image.py",
    "docker/test_building.py",
    "end_to_end/test_many_tables.py",
    "end_to_end/test_schedules.py",
    "server/test_connectors.py",
    "end_to_end/test_drift.py",
    "worker/test_cancel.py",
    "end_to_end/test_rude_connectors.py",
    "server/test_connections.py",
    "sdk/test_process.py",
    "end_to_end/test_cancel.py",
    "worker/test_worker_tokens.py",
    "source_postgres/test_memory.py",
    "cli/test_exit_codes.py",
    "conformance/test_destination_local.py",
    "local/test_embedded_postgres.py",
    "server/test_observation.py",
    "local/test_embedded_s3.py",
    "worker/test_replay.py",
    "worker/test_schema_changes.py",
)
"""Files that take long: one that begins late runs on alone at the end. Those that wait stand among those that compute,
or all would wait at once, and then all compute. Those of the browser stand where no test of Docker is near: Chromium
drops what it loads whenever a network of the machine comes or goes."""


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


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: it need not be searched for garbage again and again."""
    gc.freeze()
