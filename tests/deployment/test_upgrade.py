"""A rolling upgrade: the version before the newest tables gives way to this one, part by part, under a job."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from deployment_topology import topology
from fix_postgres import Database
from former_version import former_version, newest_revision
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded.temporal import EmbeddedTemporal
from worker_flow import numbers, stream

_ROWS = 2000


def test_a_job_goes_on_while_servers_and_workers_are_upgraded(
    tmp_path: Path, temporal: EmbeddedTemporal, postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator does this in the middle of the day; both versions use one database, and each other, for a while."""
    former = former_version(tmp_path / "former")
    monkeypatch.setenv("PYTHONPATH", former)
    with topology(tmp_path / "deployed", temporal, postgres_database.url) as deployed, ExitStack() as stack:
        old = stack.enter_context(deployed.worker(None, **deployed.worker_settings))
        assert _revision(postgres_database) < newest_revision()
        assert {_path(pid) for pid in (old.pid, *(server.pid for server in deployed.servers))} == {former}
        deployed.register_all()
        hurry = tmp_path / "hurry"
        source = {"rows": _ROWS, "batch_rows": 2, "seconds_per_batch": 0.1, "width": 1000, "hurry": str(hurry)}
        often = ConnectionSettings(commit_bytes=1 << 18, commit_interval={"seconds": 1})
        flow = deployed.connect(stream(), source=source, settings=often)
        job = flow.watch_until(flow.start(), lambda job: job.total.commits)

        monkeypatch.delenv("PYTHONPATH")
        deployed.restart(stack, 0)
        assert _revision(postgres_database) == newest_revision(), "the first of the new version migrates"
        assert deployed.servers[1].exit_status() is None
        before = deployed.client.jobs.get(job.name).total.commits
        job = flow.watch_until(job, lambda job: job.total.commits > before, 60)
        assert len(job.attempts) == 1, "no server's restart costs an attempt"

        new = stack.enter_context(deployed.worker(None, **deployed.worker_settings))
        old.process.stop()
        deployed.restart(stack, 1)
        hurry.touch()
        assert not {former} & {_path(pid) for pid in (new.pid, *(server.pid for server in deployed.servers))}
        job = flow.wait(job, 120)
        assert job.state == Job.STATE_SUCCEEDED, flow.explain(job)
        assert len(job.attempts) > 1, "the worker's costs one"
        assert flow.rows() == numbers(_ROWS, width=1000)


def _revision(database: Database) -> str:
    with database.connect() as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert row is not None
        return str(row[0])


def _path(pid: int) -> str:
    return psutil.Process(pid).environ().get("PYTHONPATH", "")
