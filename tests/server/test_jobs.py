"""Jobs: asked for, listed, cancelled; and never two of one connection."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta

import grpc
import pytest
from server_bench import Api, Bench
from server_database import transaction
from server_steps import (
    begin,
    connect,
    get_job,
    incremental,
    publish,
    refused,
    run_to_end,
    states,
    stream,
    sync,
)
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from temporalio.client import WorkflowExecutionStatus
from towpath.control.v1 import connections_pb2, jobs_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_contracts import SYNC_WORKFLOW, run_identity, scheduled_workflow_prefix
from towpath_sdk.status import from_rpc

pytestmark = pytest.mark.usefixtures("ends")


async def list_jobs(api: Api, **values: object) -> jobs_pb2.ListJobsResponse:
    return await api.jobs.ListJobs(jobs_pb2.ListJobsRequest(**values))  # pyright: ignore[reportArgumentType]


async def cancel(api: Api, job: str) -> jobs_pb2.Job:
    return (await api.jobs.CancelJob(jobs_pb2.CancelJobRequest(name=job))).job


async def workflow_status(bench: Bench, workflow_id: str) -> WorkflowExecutionStatus | None:
    return (await bench.client.get_workflow_handle(workflow_id).describe()).status


async def test_sync_answers_at_once_with_a_queued_job_whose_workflow_runs(api: Api, bench: Bench) -> None:
    """The caller watches from here on; the workflow's id is the job's name, so that it can be found in Temporal."""
    await connect(api, stream("orders"), incremental("customers"))
    job = await sync(api)
    assert (job.connection, job.state, job.kind, job.trigger) == (
        "connections/daily",
        jobs_pb2.Job.STATE_QUEUED,
        jobs_pb2.Job.KIND_SYNC,
        "manual",
    )
    assert [(item.name.name, item.generation_id) for item in job.streams] == [("orders", 1), ("customers", 1)]
    assert {item.state for item in job.streams} == {jobs_pb2.StreamProgress.STATE_PENDING}
    assert job.HasField("create_time")
    assert not job.HasField("start_time")
    assert not job.HasField("end_time")
    assert await get_job(api, job.name) == job
    assert await workflow_status(bench, job.name) is WorkflowExecutionStatus.RUNNING


async def test_workflow_is_told_names_and_no_configuration(api: Api, bench: Bench) -> None:
    """Everybody who may look at Temporal can read what workflows are given."""
    await connect(api, stream("orders"))
    job = await sync(api)
    await run_to_end(api, job.name)
    async for workflow in bench.client.list_workflows(f"TaskQueue = '{bench.settings.task_queue}'"):
        history = (await bench.client.get_workflow_handle(workflow.id).fetch_history()).to_json()
        assert "hunter2" not in history
        assert "db.example" not in history


@pytest.mark.parametrize("servers", [1, 3])
async def test_twenty_callers_at_once_start_exactly_one_job(bench: Bench, servers: int) -> None:
    """Whichever of several servers they ask: two jobs of one connection would write the same files."""
    apis = [await bench.start() for _ in range(servers)]
    await bench.start_worker(apis[0])
    await connect(apis[0], stream("orders"))

    async def race(api: Api) -> str:
        try:
            return (await sync(api)).name
        except grpc.RpcError as error:
            failure = from_rpc(error)
            assert failure.reason == "JOB_ACTIVE", failure
            return ""

    answers = await asyncio.gather(*(race(apis[number % servers]) for number in range(20)))
    started = [name for name in answers if name]
    assert len(started) == 1
    assert [job.name for job in (await list_jobs(apis[0])).jobs] == started
    await run_to_end(apis[0], started[0])
    assert (await sync(apis[-1])).name != started[0]


async def test_database_itself_refuses_a_second_active_job(api: Api, metadata_url: str) -> None:
    """The rule must hold whatever a server forgets to lock."""
    await connect(api, stream("orders"))
    first = await sync(api)
    await run_to_end(api, first.name)
    await sync(api)
    update = text("UPDATE jobs SET state = 2 WHERE id = :id")
    with pytest.raises(IntegrityError), transaction(metadata_url) as connection:
        connection.execute(update, {"id": first.name.removeprefix("jobs/")})


async def test_refusal_names_the_job_in_the_way_and_what_to_do(api: Api) -> None:
    """The next step is to watch that job, or to cancel it."""
    await connect(api, stream("orders"))
    job = await sync(api)
    with pytest.raises(grpc.RpcError) as caught:
        await sync(api)
    failure = from_rpc(caught.value)
    assert job.name in failure.message
    assert "cancel" in failure.message


async def test_request_id_returns_the_same_job_even_after_it_has_ended(api: Api) -> None:
    """A client that lost the answer must not start another load."""
    await connect(api, stream("orders"))
    request = connections_pb2.SyncConnectionRequest(name="connections/daily", request_id="monday")
    answers = await asyncio.gather(*(api.connections.SyncConnection(request) for _ in range(5)))
    assert len({answer.job.name for answer in answers}) == 1
    job = answers[0].job.name
    await run_to_end(api, job)
    assert (await api.connections.SyncConnection(request)).job.name == job
    assert len((await list_jobs(api)).jobs) == 1


async def test_jobs_are_listed_newest_first_and_by_connection(api: Api) -> None:
    """History is read from its end."""
    names: dict[str, list[str]] = {"a": [], "b": []}
    for identifier in names:
        await connect(api, stream("orders"), identifier=identifier)
    for identifier in "abaab":
        job = await sync(api, f"connections/{identifier}")
        await run_to_end(api, job.name)
        names[identifier].insert(0, job.name)

    async def pages(size: int, connection: str = "") -> Sequence[str]:
        found: list[str] = []
        token = ""
        while True:
            page = await list_jobs(api, connection=connection, page_size=size, page_token=token)
            assert len(page.jobs) <= size
            assert all(not job.streams for job in page.jobs)
            found += [job.name for job in page.jobs]
            token = page.next_page_token
            if not token:
                return found

    assert await pages(2, "connections/a") == names["a"]
    assert await pages(10) == sorted([*names["a"], *names["b"]], reverse=True)
    assert await pages(1) == await pages(10)
    token = (await list_jobs(api, connection="connections/a", page_size=1)).next_page_token
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE"):
        await list_jobs(api, connection="connections/b", page_token=token)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE"):
        await list_jobs(api, page_size=-1)


async def test_job_that_no_worker_has_begun_is_cancelled_at_once(api: Api, bench: Bench) -> None:
    """Nobody would ever tell it to stop, and the connection would stay busy."""
    await connect(api, stream("orders"))
    job = await sync(api)
    cancelled = await cancel(api, job.name)
    assert (cancelled.state, cancelled.failure.reason) == (jobs_pb2.Job.STATE_CANCELLED, "CANCELLED")
    assert cancelled.HasField("end_time")
    assert await workflow_status(bench, job.name) is WorkflowExecutionStatus.TERMINATED
    assert (await cancel(api, job.name)).state == jobs_pb2.Job.STATE_CANCELLED
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ENDED"):
        await begin(api, job.name)
    await run_to_end(api, (await sync(api)).name)


async def test_cancel_reaches_the_worker_by_its_next_report_and_by_temporal(api: Api, bench: Bench) -> None:
    """Within a second, also while Temporal is slow."""
    await connect(api, incremental("orders"))
    attempt = await begin(api, (await sync(api)).name)
    await attempt.commit(0, 1)
    assert not await attempt.report()
    for _ in range(2):
        assert (await cancel(api, attempt.job)).state == jobs_pb2.Job.STATE_CANCELLING
    assert await attempt.report()
    assert await workflow_status(bench, attempt.job) in (
        WorkflowExecutionStatus.CANCELED,
        WorkflowExecutionStatus.RUNNING,
    )
    await attempt.finish(0, kind="KIND_CANCELLED", reason="CANCELLED", message="cancelled")
    _, state = await publish(api, attempt.job)
    assert state == "STATE_CANCELLED"
    assert (await states(api))["orders"].state == b"state 0.1"
    assert (await cancel(api, attempt.job)).state == jobs_pb2.Job.STATE_CANCELLED


async def test_job_that_has_ended_otherwise_cannot_be_cancelled(api: Api) -> None:
    """The answer tells how it ended instead of pretending."""
    await connect(api, stream("orders"))
    job = await sync(api)
    await run_to_end(api, job.name)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ENDED"):
        await cancel(api, job.name)


async def test_refresh_and_clear_name_streams_that_the_connection_has(api: Api) -> None:
    """A misspelt table must not refresh everything, nor nothing."""
    await connect(api, stream("orders"), stream("customers"))
    unknown = {"namespace": "public", "name": "order"}
    for call in (
        api.connections.RefreshConnection(
            connections_pb2.RefreshConnectionRequest(name="connections/daily", streams=[unknown])
        ),
        api.connections.ClearConnection(
            connections_pb2.ClearConnectionRequest(name="connections/daily", streams=[unknown])
        ),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            await call
        failure = from_rpc(caught.value)
        assert failure.reason == "UNKNOWN_STREAM"
        assert "public.orders, public.customers" in failure.fields["streams[0]"]
    known = {"namespace": "public", "name": "customers"}
    refresh = connections_pb2.RefreshConnectionRequest(name="connections/daily", streams=[known, known])
    job = (await api.connections.RefreshConnection(refresh)).job
    assert (job.kind, [item.name.name for item in job.streams]) == (jobs_pb2.Job.KIND_REFRESH, ["customers"])
    work = (await begin(api, job.name)).work.streams
    assert [item.stream_index for item in work] == [1], "the position in the connection"


async def scheduled_run(bench: Bench, name: str = "connections/daily") -> str:
    """Start what a schedule would start, on a queue that nobody serves; return the identity of the run."""
    workflow_id = f"{scheduled_workflow_prefix(name)}-{uuid.uuid4().hex}"
    handle = await bench.client.start_workflow(
        SYNC_WORKFLOW, id=workflow_id, task_queue="nobodys", execution_timeout=timedelta(minutes=1)
    )
    return run_identity(workflow_id, handle.first_execution_run_id or "")


async def test_scheduled_run_opens_its_job_once_and_is_skipped_beside_another(api: Api, bench: Bench) -> None:
    """Temporal repeats an activity whose answer it lost."""
    await connect(api, stream("orders"))
    opening = worker_pb2.OpenJobRequest(connection="connections/daily", run_id=await scheduled_run(bench))
    answers = await asyncio.gather(*(api.runs.OpenJob(opening) for _ in range(5)))
    assert len({answer.job for answer in answers}) == 1
    job = await get_job(api, answers[0].job)
    assert job.trigger == "schedule"
    other = worker_pb2.OpenJobRequest(connection="connections/daily", run_id=await scheduled_run(bench))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE"):
        await api.runs.OpenJob(other)
    await run_to_end(api, job.name)
    assert (await api.runs.OpenJob(opening)).job == job.name
    assert (await api.runs.OpenJob(other)).job != job.name
    for run_id in ("", "no-colon", ":run", "workflow:", "scheduled/connections/other-x:run-1"):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RUN_ID"):
            await api.runs.OpenJob(worker_pb2.OpenJobRequest(connection="connections/daily", run_id=run_id))


async def test_run_that_temporal_does_not_know_opens_no_job(api: Api, bench: Bench) -> None:
    """Otherwise a worker's token alone would open any connection whose name is known, and read its configurations."""
    await connect(api, stream("orders"))
    running = await scheduled_run(bench)
    workflow_id, _, run_id = running.rpartition(":")
    await bench.client.get_workflow_handle(workflow_id).terminate()
    for identity in (running, f"{workflow_id}:{uuid.uuid4()}", f"{workflow_id}x:{run_id}"):
        with refused(grpc.StatusCode.FAILED_PRECONDITION, "NO_SUCH_RUN"):
            await api.runs.OpenJob(worker_pb2.OpenJobRequest(connection="connections/daily", run_id=identity))
    assert not (await api.jobs.ListJobs(jobs_pb2.ListJobsRequest())).jobs
