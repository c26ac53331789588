"""Without Temporal: what needs it says so, and the rest works."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import grpc
import pytest
from server_bench import Bench, open_bench
from server_database import transaction
from server_ends import with_ends
from server_steps import connect, create_ends, get_job, refusal, stream, sync
from sqlalchemy import text
from towpath.control.v1 import connections_pb2, connectors_pb2, jobs_pb2, sources_pb2
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.temporal import EmbeddedTemporal
from towpath_server.settings import Settings

HOURLY = connections_pb2.Schedule(interval={"seconds": 3600})


@pytest.fixture
def silent_address() -> Iterator[str]:
    """An address that accepts connections and never says anything, as a machine behind a broken network does."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@with_ends
async def test_calls_that_need_temporal_say_that_it_is_away_and_where_it_was_looked_for(
    bench: Bench, with_settings: Callable[..., Settings]
) -> None:
    """An operator must be able to tell a wrong address from a wrong source."""
    address = f"127.0.0.1:{free_port()}"
    api = await bench.start(with_settings(temporal_address=address))
    for call in (
        api.connectors.CreateConnector(
            connectors_pb2.CreateConnectorRequest(connector_id="new", connector={"command": ["source"]}), timeout=30
        ),
        api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop"), timeout=30),
        api.sources.DiscoverSource(sources_pb2.DiscoverSourceRequest(name="sources/shop"), timeout=30).read(),
    ):
        denied = await refusal(call)
        assert (denied.code, denied.error.reason) == (grpc.StatusCode.UNAVAILABLE, "TEMPORAL_UNAVAILABLE")
        assert address in denied.error.message


async def test_namespace_that_does_not_exist_is_named(bench: Bench, with_settings: Callable[..., Settings]) -> None:
    """It is the first mistake with a Temporal of one's own, and looks like an outage."""
    api = await bench.start(with_settings(temporal_namespace="nowhere"))
    request = connectors_pb2.CreateConnectorRequest(connector_id="new", connector={"command": ["source"]})
    denied = await refusal(api.connectors.CreateConnector(request, timeout=30))
    assert (denied.code, denied.error.reason) == (grpc.StatusCode.UNAVAILABLE, "TEMPORAL_NAMESPACE_MISSING")
    assert "nowhere" in denied.error.message


@with_ends
async def test_missing_namespace_is_not_taken_for_lost_workflows(
    bench: Bench, with_settings: Callable[..., Settings], metadata_url: str
) -> None:
    """Otherwise one wrong flag on one server would end every job."""
    api = await bench.start()
    await bench.start_worker(api)
    await connect(api, stream("orders"))
    job = await sync(api)
    await bench.stop()
    with transaction(metadata_url) as connection:
        connection.execute(text("UPDATE jobs SET seen_time = 0, create_time = 0"))
    api = await bench.start(with_settings(temporal_namespace="nowhere"))
    for _ in range(3):
        await refusal(api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop"), timeout=30))
    assert (await get_job(api, job.name)).state == job.state


async def test_everything_else_works_while_temporal_is_silent(
    sqlite_url: str, temporal: EmbeddedTemporal, silent_address: str
) -> None:
    """A user must be able to look, and to ask for a job, in the very hour in which something is broken."""
    async with open_bench(sqlite_url, temporal) as bench:
        reachable = await bench.start()
        await bench.start_worker(reachable)
        await create_ends(reachable)
        for number in range(20):
            await connect(reachable, stream("orders"), identifier=f"c{number}", schedule=HOURLY)
        api = await bench.start(replace(bench.settings, temporal_address=silent_address))
        source = sources_pb2.Source(name="sources/shop", config_json='{"host": "h", "password": "p"}')
        page, got, started, _ = await asyncio.gather(
            api.connections.ListConnections(connections_pb2.ListConnectionsRequest(), timeout=20),
            api.connections.GetConnection(connections_pb2.GetConnectionRequest(name="connections/c0"), timeout=20),
            api.connections.SyncConnection(connections_pb2.SyncConnectionRequest(name="connections/c0"), timeout=20),
            api.sources.UpdateSource(sources_pb2.UpdateSourceRequest(source=source), timeout=20),
        )
        assert len(page.connections) == 20
        assert not any(connection.HasField("next_run_time") for connection in page.connections)
        assert got.connection.schedule == HOURLY
        assert started.job.state == jobs_pb2.Job.STATE_QUEUED
