"""Schedules: real ones in a real Temporal, made, changed, paused and removed with their connection."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
from google.protobuf.duration_pb2 import Duration
from server_bench import Api, Bench, open_bench
from server_ends import with_ends
from server_steps import connect, create_ends, eventually, get_job, refused, run_to_end, stream, sync
from temporalio.client import ScheduleDescription, ScheduleOverlapPolicy, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from towpath.control.v1 import connections_pb2, jobs_pb2
from towpath_local.embedded.temporal import EmbeddedTemporal

HOURLY = connections_pb2.Schedule(interval=Duration(seconds=3600))
ENDED, RUNNING = WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.RUNNING
ACCEPTED = (
    "* * * * *",
    "*/15 * * * *",
    "5,35 0-6/2 * * *",
    "0 0 1 jan,JUL *",
    "30 4 * * mon-fri",
    "0 12 * * 0",
    "0 12 * * 7",
    "0 0 29 2 *",
    "10/20 * 1-15 * *",
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
)


async def described(bench: Bench, connection: str = "connections/daily") -> ScheduleDescription | None:
    """Return what Temporal knows of the schedule of a connection."""
    try:
        return await bench.client.get_schedule_handle(connection).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def update(api: Api, *paths: str, **values: Any) -> connections_pb2.Connection:
    """Change some fields of the connection."""
    wanted = connections_pb2.Connection(name="connections/daily", **values)
    request = connections_pb2.UpdateConnectionRequest(connection=wanted)
    request.update_mask.paths.extend(paths)
    return (await api.connections.UpdateConnection(request)).connection


async def get(api: Api) -> connections_pb2.Connection:
    request = connections_pb2.GetConnectionRequest(name="connections/daily")
    return (await api.connections.GetConnection(request)).connection


async def list_jobs(api: Api) -> list[jobs_pb2.Job]:
    return list((await api.jobs.ListJobs(jobs_pb2.ListJobsRequest())).jobs)


async def trigger(bench: Bench, overlap: ScheduleOverlapPolicy | None = None) -> None:
    """Let the schedule start now, as it would by itself, or beside what it started before."""
    await bench.client.get_schedule_handle("connections/daily").trigger(overlap=overlap)


async def test_interval_starts_jobs_by_itself(temporal: EmbeddedTemporal, sqlite_url: str) -> None:
    """The one promise of a schedule; the shortest interval is waited for."""
    async with open_bench(sqlite_url, temporal) as bench:
        api = await bench.start()
        await bench.start_worker(api)
        await create_ends(api)
        connection = await connect(
            api, stream("orders"), schedule=connections_pb2.Schedule(interval=Duration(seconds=10))
        )
        next_run = connection.next_run_time.ToDatetime(tzinfo=UTC)
        assert timedelta(0) < next_run - datetime.now(UTC) <= timedelta(seconds=10)

        async def started() -> bool:
            return bool(await list_jobs(api))

        await eventually(started)
        (job,) = await list_jobs(api)
        assert (job.trigger, job.connection, job.kind) == ("schedule", "connections/daily", jobs_pb2.Job.KIND_SYNC)
        assert job.create_time.ToDatetime(tzinfo=UTC) >= next_run
        await run_to_end(api, job.name)
        assert (await get_job(api, job.name)).state == jobs_pb2.Job.STATE_SUCCEEDED


@with_ends
async def test_cron_starts_by_the_clock_of_its_time_zone(api: Api, bench: Bench) -> None:
    """Nine in the morning is nine in the morning in winter and in summer."""
    zone = ZoneInfo("America/New_York")
    cron = {"expression": "0 9 * * *", "time_zone": "America/New_York"}
    connection = await connect(api, stream("orders"), schedule={"cron": cron})
    start = connection.next_run_time.ToDatetime(tzinfo=UTC).astimezone(zone)
    assert (start.hour, start.minute, start.second) == (9, 0, 0)
    schedule = await described(bench)
    assert schedule is not None
    assert {time.astimezone(zone).hour for time in schedule.info.next_action_times} == {9}
    in_utc = await update(api, "schedule", schedule={"cron": {"expression": "30 7 * * *"}})
    assert in_utc.next_run_time.ToDatetime().strftime("%H:%M") == "07:30"


@with_ends
async def test_every_cron_expression_that_is_accepted_is_understood_by_temporal(api: Api, bench: Bench) -> None:
    """One that only this server understands would be a connection that never runs."""
    await connect(api, stream("orders"), schedule=HOURLY)
    for expression in ACCEPTED:
        changed = await update(api, "schedule", schedule={"cron": {"expression": expression}})
        assert changed.HasField("next_run_time"), expression
        held = await described(bench)
        assert held is not None
        assert not held.schedule.spec.intervals, expression


@with_ends
async def test_schedule_follows_every_change_of_its_connection(api: Api, bench: Bench) -> None:
    """What the API shows is what Temporal does."""
    await connect(api, stream("orders"))
    assert await described(bench) is None
    assert not (await get(api)).HasField("next_run_time")

    scheduled = await update(api, "schedule", schedule=HOURLY)
    held = await described(bench)
    assert held is not None
    assert [item.every for item in held.schedule.spec.intervals] == [timedelta(hours=1)]
    assert held.schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
    assert scheduled.next_run_time.ToDatetime(tzinfo=UTC) == held.info.next_action_times[0]

    await update(api, "schedule", schedule={"interval": Duration(seconds=7200)})
    held = await described(bench)
    assert held is not None
    assert [item.every for item in held.schedule.spec.intervals] == [timedelta(hours=2)]

    manual = await update(api, "schedule")
    assert not manual.schedule.WhichOneof("timing")
    assert await described(bench) is None


@with_ends
async def test_paused_schedule_starts_nothing_until_it_is_resumed(api: Api, bench: Bench) -> None:
    """And a sync by hand still works meanwhile."""
    await connect(api, stream("orders"), schedule=HOURLY)
    pause = connections_pb2.PauseConnectionRequest(name="connections/daily")
    for _ in range(2):
        paused = (await api.connections.PauseConnection(pause)).connection
        assert paused.paused
        assert not paused.HasField("next_run_time")
    held = await described(bench)
    assert held is not None
    assert held.schedule.state.paused
    assert (await update(api, "schedule", schedule={"interval": Duration(seconds=60)})).paused, "a change keeps it so"
    await run_to_end(api, (await sync(api)).name)
    resume = connections_pb2.ResumeConnectionRequest(name="connections/daily")
    for _ in range(2):
        resumed = (await api.connections.ResumeConnection(resume)).connection
        assert not resumed.paused
        assert resumed.HasField("next_run_time")
    held = await described(bench)
    assert held is not None
    assert not held.schedule.state.paused


@with_ends
async def test_schedule_goes_with_its_connection(api: Api, bench: Bench) -> None:
    """A schedule that is left behind would start jobs of nothing for ever."""
    await connect(api, stream("orders"), schedule=HOURLY)
    request = connections_pb2.DeleteConnectionRequest(name="connections/daily")
    await api.connections.DeleteConnection(request)
    assert await described(bench) is None
    await connect(api, stream("orders"), schedule=HOURLY)
    assert await described(bench) is not None, "the name may be used again"


@with_ends
async def test_runs_that_overlap_never_make_two_jobs(api: Api, bench: Bench) -> None:
    """Neither beside a job that was asked for, nor when Temporal itself starts several at a time."""
    await connect(api, stream("orders"), schedule=HOURLY)

    async def runs(ended: int, running: int) -> bool:
        query = f"TaskQueue = '{bench.settings.task_queue}' AND WorkflowType = 'SyncWorkflow'"
        found = [item.status async for item in bench.client.list_workflows(query)]
        return (found.count(ENDED), found.count(RUNNING)) == (ended, running)

    for _ in range(3):
        await trigger(bench, ScheduleOverlapPolicy.ALLOW_ALL)
        await asyncio.sleep(1.1)  # Temporal names a run after the second in which it starts
    await eventually(lambda: runs(ended=2, running=1))
    (job,) = await list_jobs(api)
    assert job.trigger == "schedule"
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE"):
        await sync(api)
    await run_to_end(api, job.name)

    manual = await sync(api)
    await trigger(bench, ScheduleOverlapPolicy.ALLOW_ALL)
    await eventually(lambda: runs(ended=3, running=2))
    assert [item.name for item in await list_jobs(api)] == [manual.name, job.name]


@with_ends
async def test_schedule_that_someone_removed_in_temporal_is_put_back(api: Api, bench: Bench) -> None:
    """The database says what should be; an audit sees to it that it is."""
    await connect(api, stream("orders"), schedule=HOURLY)
    handle = bench.client.get_schedule_handle("connections/daily")
    await handle.delete()

    async def is_back() -> bool:
        return await described(bench) is not None

    await eventually(is_back)


@with_ends
async def test_time_zone_that_only_this_machine_knows_is_refused(api: Api) -> None:
    """Temporal runs elsewhere: it would refuse the schedule, and the connection would never run."""
    for zone in ("localtime", "posix/Europe/Amsterdam", "right/UTC", "Europe", "europe/amsterdam"):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_SCHEDULE"):
            await connect(api, stream("orders"), schedule={"cron": {"expression": "@daily", "time_zone": zone}})
