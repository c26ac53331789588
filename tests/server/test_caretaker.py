"""What was left half-done is taken up: workflows that are lost, cancels and schedules that Temporal was not told of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from server_bench import Api, Bench
from server_database import rows_of, transaction
from server_steps import (
    begin,
    connect,
    eventually,
    get_job,
    incremental,
    publish,
    run_to_end,
    states,
    stream,
    sync,
)
from sqlalchemy import text
from temporalio.client import ScheduleOverlapPolicy, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from towpath.control.v1 import connections_pb2, jobs_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_local.embedded.ports import free_port
from towpath_server.settings import Settings
from towpath_server.use_cases.caretaker import CareTimes

pytestmark = pytest.mark.usefixtures("ends")

SOON = CareTimes(round=0.2, audit=0.5, silence=1.0)
HOURLY = connections_pb2.Schedule(interval={"seconds": 3600})


async def start(bench: Bench, with_settings: Callable[..., Settings]) -> Api:
    """Start a server whose caretaker looks soon, and a worker."""
    api = await bench.start(with_settings(care=SOON))
    await bench.start_worker(api)
    return api


async def terminate(bench: Bench, workflow_id: str) -> None:
    """End a workflow by hand, as an operator does in Temporal's pages."""
    await bench.client.get_workflow_handle(workflow_id).terminate("by hand")


async def workflow_input(bench: Bench, workflow_id: str) -> dict[str, Any]:
    """Return what the newest run of a workflow was started with."""
    history = await bench.client.get_workflow_handle(workflow_id).fetch_history()
    payload = history.events[0].workflow_execution_started_event_attributes.input.payloads[0]
    return json.loads(payload.data)


async def is_running(bench: Bench, workflow_id: str) -> bool:
    try:
        description = await bench.client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return description.status is WorkflowExecutionStatus.RUNNING


async def test_lost_workflow_is_taken_up_at_its_publication(
    bench: Bench, with_settings: Callable[..., Settings]
) -> None:
    """What an increment has committed is delivered; the rest is thrown away, and the connection is free again."""
    api = await start(bench, with_settings)
    await connect(api, incremental("orders"), stream("customers"))
    attempt = await begin(api, (await sync(api)).name)
    await attempt.commit(0, 1)
    await attempt.commit(1, 1)
    await terminate(bench, attempt.job)
    await eventually(lambda: is_running(bench, attempt.job))
    given = await workflow_input(bench, attempt.job)
    assert (given["job"], given["abandoned"]["reason"]) == (attempt.job, "WORKFLOW_LOST")
    failure = {"kind": "KIND_UNAVAILABLE", "reason": given["abandoned"]["reason"], "message": "lost"}
    decision, state = await publish(api, attempt.job, **failure)
    assert (list(decision.receipts), state) == ([b"receipt 0.1"], "STATE_FAILED")
    assert (await get_job(api, attempt.job)).failure.reason == "WORKFLOW_LOST"
    assert (await states(api))["orders"].state == b"state 0.1"
    await run_to_end(api, (await sync(api)).name)


async def test_jobs_that_cannot_be_taken_up_are_ended(bench: Bench, with_settings: Callable[..., Settings]) -> None:
    """One that nobody began, and one that was lost twice: neither may keep its connection busy for ever."""
    api = await start(bench, with_settings)
    for identifier in ("queued", "lost-twice"):
        await connect(api, stream("orders"), identifier=identifier)
    queued = (await sync(api, "connections/queued")).name
    lost = (await begin(api, (await sync(api, "connections/lost-twice")).name)).job
    await terminate(bench, queued)
    await terminate(bench, lost)
    await eventually(lambda: is_running(bench, lost))
    await terminate(bench, lost)

    async def both_ended() -> bool:
        return all([(await get_job(api, job)).state == jobs_pb2.Job.STATE_FAILED for job in (queued, lost)])

    await eventually(both_ended)
    for job in (queued, lost):
        ended = await get_job(api, job)
        assert ended.failure.reason == "WORKFLOW_LOST"
        assert "start another sync" in ended.failure.message
        assert await states(api, ended.connection) == {}
    await sync(api, "connections/queued")


async def test_decided_publication_is_tried_again_until_it_is_done(
    bench: Bench, with_settings: Callable[..., Settings], metadata_url: str
) -> None:
    """Readers may have seen a part of it; also when a schedule had started the first workflow."""
    api = await start(bench, with_settings)
    await connect(api, incremental("orders"), schedule=HOURLY)
    await bench.client.get_schedule_handle("connections/daily").trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)

    async def jobs() -> list[jobs_pb2.Job]:
        return list((await api.jobs.ListJobs(jobs_pb2.ListJobsRequest())).jobs)

    async def opened() -> bool:
        return bool(await jobs())

    await eventually(opened)
    job = (await jobs())[0].name
    attempt = await begin(api, job)
    await attempt.commit(0, 1)
    await attempt.finish(0)
    decision = await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=job))
    ((workflow_id,),) = rows_of(metadata_url, "SELECT workflow_id FROM jobs")
    assert workflow_id.startswith("scheduled/connections/daily-")
    await terminate(bench, workflow_id)
    for _ in range(2):
        await eventually(lambda: is_running(bench, job))
        await terminate(bench, job)
    await eventually(lambda: is_running(bench, job))
    assert await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=job)) == decision
    await api.runs.FinishJob(worker_pb2.FinishJobRequest(job=job, epoch=decision.epoch))
    assert (await get_job(api, job)).state == jobs_pb2.Job.STATE_SUCCEEDED


async def test_job_whose_worker_is_heard_of_or_awaited_is_left_alone(
    bench: Bench, with_settings: Callable[..., Settings]
) -> None:
    """A queue without workers is no failure, and neither is a commit that takes long."""
    api = await start(bench, with_settings)
    await connect(api, stream("orders"))
    waiting = (await sync(api)).name
    await connect(api, stream("orders"), identifier="busy")
    attempt = await begin(api, (await sync(api, "connections/busy")).name)
    await terminate(bench, attempt.job)
    for _ in range(14):
        await attempt.report()
        await asyncio.sleep(0.25)
    assert (await get_job(api, waiting)).state == jobs_pb2.Job.STATE_QUEUED
    assert (await get_job(api, attempt.job)).state == jobs_pb2.Job.STATE_RUNNING
    assert not await is_running(bench, attempt.job)


async def test_what_temporal_could_not_be_told_is_told_later(
    bench: Bench, with_settings: Callable[..., Settings]
) -> None:
    """Starts, cancels and schedules are stored first: an hour without Temporal loses none of them."""
    reachable = await bench.start(with_settings(care=CareTimes(round=3600)))
    await bench.start_worker(reachable)
    for identifier in ("cancelled", "deleted"):
        await connect(reachable, stream("orders"), identifier=identifier, schedule=HOURLY)
    attempt = await begin(reachable, (await sync(reachable, "connections/cancelled")).name)
    away = await bench.start(with_settings(care=SOON, temporal_address=f"127.0.0.1:{free_port()}"))
    await connect(away, stream("orders"), identifier="started", schedule=HOURLY)
    started = (await sync(away, "connections/started")).name
    cancel = await away.jobs.CancelJob(jobs_pb2.CancelJobRequest(name=attempt.job))
    assert cancel.job.state == jobs_pb2.Job.STATE_CANCELLING
    await away.connections.DeleteConnection(connections_pb2.DeleteConnectionRequest(name="connections/deleted"))
    await bench.start(with_settings(care=SOON))

    async def told() -> bool:
        query = f"TaskQueue = '{bench.settings.task_queue}' AND WorkflowType = 'SyncWorkflow'"
        workflows = {item.id: item.status async for item in bench.client.list_workflows(query)}
        schedules = [item.id async for item in await bench.client.list_schedules()]
        return (
            workflows.get(started) is WorkflowExecutionStatus.RUNNING
            and workflows.get(attempt.job) is WorkflowExecutionStatus.CANCELED
            and "connections/started" in schedules
            and "connections/deleted" not in schedules
        )

    await eventually(told)


async def test_what_nobody_needs_any_more_is_tidied_away(
    bench: Bench, with_settings: Callable[..., Settings], metadata_url: str
) -> None:
    """Sealed configurations of tasks whose server died must not stay for ever."""
    api = await start(bench, with_settings)
    await connect(api, stream("orders"))
    await api.connections.SyncConnection(
        connections_pb2.SyncConnectionRequest(name="connections/daily", request_id="old")
    )
    await api.connections.SyncConnection(
        connections_pb2.SyncConnectionRequest(name="connections/daily", request_id="old")
    )
    with transaction(metadata_url) as connection:
        days = 3 * 24 * 3600 * 1_000_000
        connection.execute(text("UPDATE requests SET create_time = create_time - :days"), {"days": days})
        connection.execute(
            text("INSERT INTO tasks (id, kind, launch, deadline) VALUES ('left', 1, :launch, 1)"), {"launch": b"sealed"}
        )

    async def tidy() -> bool:
        return not rows_of(metadata_url, "SELECT id FROM tasks UNION ALL SELECT request_id FROM requests")

    await eventually(tidy)
