"""The topology of deploy/, made of processes: two servers behind Envoy, PostgreSQL, Temporal, three workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_scene import program
from deployment import deployment
from fix_postgres import Database
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client import Client
from towpath_local.embedded import EmbeddedTemporal
from towpath_sdk.errors import Denied
from worker_flow import Flow, numbers, stream

OFTEN = ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1})


def test_job_survives_the_loss_of_a_server_and_of_its_worker(
    temporal: EmbeddedTemporal, postgres_database: Database, tmp_path: Path
) -> None:
    """What a platform team runs: every hop with TLS, every caller with a token, and any one machine may go."""
    with deployment(tmp_path / "site", postgres_database.url, temporal, workers=3) as site:
        with Client(site.public) as admin:
            admin.connectors.create("numbers", program("numbers_source.py"))
            admin.connectors.create("folder", program("folder_destination.py"))
            editor = admin.tokens.create("ci", "editor").secret
            viewer = admin.tokens.create("board", "viewer").secret
        with pytest.raises(Denied), Client(site.target(None)) as stranger:
            list(stranger.sources.all())
        with Client(site.target(editor)) as client:
            folder = tmp_path / "lake"
            (folder / ".scratch").mkdir(parents=True)
            source = {"scratch": str(folder / ".scratch"), "rows": 4000, "width": 1000, "seconds_per_batch": 0.1}
            client.sources.create("shop", "numbers", source)  # pyright: ignore[reportArgumentType]
            client.destinations.create("lake", "folder", {"folder": str(folder)})
            wanted = Connection(
                source="sources/shop",
                destination="destinations/lake",
                streams=[stream(read="INCREMENTAL", cursor_column="n")],
                settings=OFTEN,
            )
            flow = Flow(client, client.connections.create("shop", wanted).name, folder)
            job = flow.watch_until(flow.start(), lambda job: job.total.rows_committed > 0)
            site.kill(site.servers[0])
            before = job.total.rows_committed
            job = flow.watch_until(job, lambda job: job.total.rows_committed > before)
            identities = {f"{worker.pid}@": worker for worker in site.workers}
            site.kill(next(one for start, one in identities.items() if job.attempts[-1].worker.startswith(start)))
            ended = flow.wait(job)
            assert ended.state == Job.STATE_SUCCEEDED, flow.explain(ended)
            assert flow.rows() == numbers(4000, width=1000)
            assert len({attempt.worker for attempt in ended.attempts}) == 2
        with Client(site.target(viewer)) as client:
            assert client.jobs.get(job.name).state == Job.STATE_SUCCEEDED
            with pytest.raises(Denied, match="takes editor or admin"):
                client.connections.sync("shop")
        with Client(site.public) as admin:
            trail = [(event.actor, event.action) for event in admin.audit.latest(5, resource="connections/shop")]
        assert trail == [("tokens/ci", "sync"), ("tokens/ci", "create")]
