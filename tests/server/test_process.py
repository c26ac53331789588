"""The server as a process: killed it loses nothing, stopped it cuts nobody off."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from server_bench import Api, Bench, open_bench
from server_database import transaction
from server_process import server_process
from server_steps import (
    SECRET,
    begin,
    connect,
    create_ends,
    eventually,
    get_job,
    incremental,
    publish,
    stream,
    sync,
)
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus
from towpath.control.v1 import (
    connections_pb2,
    connectors_pb2,
    destinations_pb2,
    jobs_pb2,
    sources_pb2,
)
from towpath.runtime.v1 import worker_pb2
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.temporal import EmbeddedTemporal
from towpath_sdk.errors import Kind
from towpath_sdk.status import from_rpc


async def everything(api: Api, job: str) -> list[Any]:
    """Return all that a user can see, but for the counters of a job that goes on."""
    connection = "connections/daily"
    jobs = await api.jobs.ListJobs(jobs_pb2.ListJobsRequest())
    for listed in jobs.jobs:
        listed.ClearField("total")
    log = api.jobs.TailLogs(jobs_pb2.TailLogsRequest(name=job))
    return [
        await api.connectors.ListConnectors(connectors_pb2.ListConnectorsRequest()),
        await api.sources.ListSources(sources_pb2.ListSourcesRequest()),
        await api.destinations.ListDestinations(destinations_pb2.ListDestinationsRequest()),
        await api.connections.ListConnections(connections_pb2.ListConnectionsRequest()),
        await api.connections.ListStreamStates(connections_pb2.ListStreamStatesRequest(name=connection)),
        jobs,
        (await get_job(api, job)).attempts,
        [line async for answer in log for line in answer.lines],
    ]


async def test_killed_server_has_lost_nothing_that_it_answered(bench: Bench, tmp_path: Path) -> None:
    """The worker repeats its call to the next server, and the job goes on as if nothing had been."""
    async with server_process(bench, tmp_path / "server") as process:
        api = await process.start()
        await bench.start_worker(api)
        await create_ends(api)
        schedule = connections_pb2.Schedule(interval=Duration(seconds=3600))
        await connect(api, incremental("orders"), stream("customers"), schedule=schedule)
        job = (await sync(api)).name
        attempt = await begin(api, job)
        await api.runs.AppendLogs(worker_pb2.AppendLogsRequest(job=job, lines=[{"message": "half-way"}]))
        before = await everything(api, job)
        answered = 0

        async def commit_until_it_dies() -> None:
            nonlocal answered
            while True:
                await attempt.commit(0, answered + 1)
                answered += 1
                if answered == 5:
                    asyncio.get_running_loop().call_later(0.05, process.kill)

        with pytest.raises(grpc.RpcError) as caught:
            await commit_until_it_dies()
        assert from_rpc(caught.value).kind is Kind.UNAVAILABLE
        await api.channel.close()
        api = await process.start()
        assert await everything(api, job) == before
        attempt = await begin(api, job)
        orders = attempt.work.streams[0]
        assert orders.commit_seq in (answered, answered + 1)
        assert list(orders.receipts) == [f"receipt 0.{seq + 1}".encode() for seq in range(orders.commit_seq)]
        assert SECRET in attempt.work.source.config_json
        await attempt.finish(0)
        await attempt.finish(1)
        _, state = await publish(api, job)
        assert state == "STATE_SUCCEEDED"
        await api.channel.close()


async def test_job_of_a_server_that_died_before_it_started_the_workflow_is_started_by_the_next(
    sqlite_url: str, temporal: EmbeddedTemporal, tmp_path: Path
) -> None:
    """Between the row and the workflow lies a network; a job must not be lost in it, nor run twice."""
    async with open_bench(sqlite_url, temporal) as bench:
        first = await bench.start()
        await bench.start_worker(first)
        await create_ends(first)
        await connect(first, stream("orders"))
        await bench.stop()
        async with server_process(bench, tmp_path / "server") as process:
            unreachable = f"--temporal-address=127.0.0.1:{free_port()}"
            process.arguments = [*process.arguments, unreachable]
            api = await process.start()
            job = (await sync(api)).name
            process.kill()
            await api.channel.close()
        api = await bench.start()
        assert (await get_job(api, job)).state == jobs_pb2.Job.STATE_QUEUED

        async def runs() -> bool:
            query = f"TaskQueue = '{bench.settings.task_queue}' AND WorkflowType = 'SyncWorkflow'"
            found = [(item.id, item.status) async for item in bench.client.list_workflows(query)]
            assert len(found) <= 1
            return found == [(job, WorkflowExecutionStatus.RUNNING)]

        await eventually(runs)


async def test_stop_ends_waiting_with_a_word_and_lets_calls_finish(
    sqlite_url: str, temporal: EmbeddedTemporal, tmp_path: Path
) -> None:
    """A rolling upgrade must look like a reconnect, not like an error."""
    async with open_bench(sqlite_url, temporal) as bench, server_process(bench, tmp_path / "server") as process:
        api = await process.start()
        await bench.start_worker(api)
        await create_ends(api)
        await connect(api, stream("orders"))
        job = (await sync(api)).name
        bench.connectors.pause = 60
        waiting = [
            asyncio.create_task(_read(api.jobs.WatchJob(jobs_pb2.WatchJobRequest(name=job)))),
            asyncio.create_task(_read(api.jobs.TailLogs(jobs_pb2.TailLogsRequest(name=job, follow=True)))),
            asyncio.create_task(_check(api)),
        ]
        await asyncio.sleep(0.5)
        with transaction(sqlite_url) as connection:
            connection.execute(text("UPDATE jobs SET epoch = epoch"))
            pausing = connections_pb2.PauseConnectionRequest(name="connections/daily")
            held_up = asyncio.create_task(_pause(api, pausing))
            await asyncio.sleep(0.3)
            stopping = asyncio.create_task(process.stop())
            ended = await asyncio.gather(*waiting[:2], return_exceptions=True)
        ended += await asyncio.gather(*waiting[2:], return_exceptions=True)
        for failure in ended:
            assert isinstance(failure, grpc.RpcError)
            assert from_rpc(failure).reason == "SERVER_STOPPING"
        assert (await held_up).connection.paused
        assert await stopping == 0
        assert "server stopped" in process.output
        assert "Traceback" not in process.output


async def test_interrupt_stops_a_server_with_exit_code_0(
    sqlite_url: str, temporal: EmbeddedTemporal, tmp_path: Path
) -> None:
    """Ctrl-C in a terminal is no failure."""
    async with open_bench(sqlite_url, temporal) as bench, server_process(bench, tmp_path / "server") as process:
        api = await process.start()
        await api.channel.close()
        assert await process.stop(signal.SIGINT) == 0
        assert "Traceback" not in process.output


async def _read(answers: AsyncIterable[Any]) -> None:
    async for _ in answers:
        pass


async def _check(api: Api) -> None:
    await api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop"))


async def _pause(api: Api, request: connections_pb2.PauseConnectionRequest) -> connections_pb2.PauseConnectionResponse:
    return await api.connections.PauseConnection(request)
