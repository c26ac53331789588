"""A worker touches only the jobs and tasks that it holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import pytest
from access_tokens import ADMIN, bearer, make_token
from server_bench import Api, Bench
from server_steps import connect, get_job, refused, stream, sync
from sqlalchemy import text
from towpath.control.v1 import jobs_pb2, sources_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_server.database.engine import open_engine


class Rig:
    """A server without authentication for what a test prepares, and one that asks two workers for their tokens."""

    def __init__(self, open_api: Api, api: Api, first: str, second: str) -> None:
        self.open = open_api
        self.api = api
        self.first = tuple(bearer(first))
        self.second = tuple(bearer(second))

    async def job(self) -> str:
        """Start a job."""
        return (await sync(self.open)).name

    async def begin(self, job: str, who: Any) -> int:
        """Begin an attempt; returns its epoch."""
        return (await self.api.runs.BeginAttempt(worker_pb2.BeginAttemptRequest(job=job), metadata=who)).epoch


@pytest.fixture
async def rig(ends: None, bench: Bench) -> Rig:  # what it connects
    """A connection, on each kind of database, and two workers with a token each."""
    open_api = await bench.start()
    await bench.start_worker(open_api)
    await connect(open_api, stream("orders"))
    api = await bench.start(replace(bench.settings, users=(ADMIN,), workers=()))
    secrets = [(await make_token(api, name, "worker")).secret for name in ("first", "second")]
    return Rig(open_api, api, *secrets)


def changes(job: str, epoch: int) -> dict[str, Any]:
    """Return every call that changes a job under way, by its method."""
    common: dict[str, Any] = {"job": job, "epoch": epoch}
    return {
        "ReportProgress": worker_pb2.ReportProgressRequest(**common),
        "CommitStream": worker_pb2.CommitStreamRequest(**common, commit_seq=1, receipt=b"r"),
        "ResetStream": worker_pb2.ResetStreamRequest(**common),
        "ReportSchemaChange": worker_pb2.ReportSchemaChangeRequest(**common, columns=[{"column": "note"}]),
        "FinishStream": worker_pb2.FinishStreamRequest(**common),
        "EndAttempt": worker_pb2.EndAttemptRequest(**common),
        "AppendLogs": worker_pb2.AppendLogsRequest(job=job, lines=[jobs_pb2.LogLine(message="hello")]),
        "FinishJob": worker_pb2.FinishJobRequest(job=job, failure={"message": "no"}),
    }


async def test_job_of_another_worker_cannot_be_touched(rig: Rig) -> None:
    """One worker that went bad must not end, fake or garble what the others do."""
    job = await rig.job()
    epoch = await rig.begin(job, rig.first)
    calls = changes(job, epoch)
    for method, request in calls.items():
        with refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_HELD"):
            await getattr(rig.api.runs, method)(request, metadata=rig.second)
    del calls["FinishJob"]
    for method, request in calls.items():
        await getattr(rig.api.runs, method)(request, metadata=rig.first)
    assert (await get_job(rig.open, job)).state == jobs_pb2.Job.STATE_RUNNING


async def test_job_that_nobody_began_cannot_be_touched(rig: Rig) -> None:
    """A job is taken by beginning it, which everybody can see."""
    job = await rig.job()
    for method in ("AppendLogs", "FinishJob"):
        with refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_HELD"):
            await getattr(rig.api.runs, method)(changes(job, 0)[method], metadata=rig.first)


async def test_job_passes_to_the_worker_that_takes_over(rig: Rig) -> None:
    """Any worker continues any job; the former one is fenced, and may still say its last words."""
    job = await rig.job()
    old = await rig.begin(job, rig.first)
    new = await rig.begin(job, rig.second)
    with refused(grpc.StatusCode.ABORTED, "FENCED"):
        await rig.api.runs.ReportProgress(changes(job, old)["ReportProgress"], metadata=rig.first)
    with refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_HELD"):
        await rig.api.runs.ReportProgress(changes(job, new)["ReportProgress"], metadata=rig.first)
    await rig.api.runs.AppendLogs(changes(job, old)["AppendLogs"], metadata=rig.first)
    await rig.api.runs.ReportProgress(changes(job, new)["ReportProgress"], metadata=rig.second)


async def test_only_the_publisher_ends_a_job(rig: Rig) -> None:
    """Whoever ended it falsely would make its connection skip what was never delivered."""
    job = await rig.job()
    await rig.begin(job, rig.first)
    decision = await rig.api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=job), metadata=rig.second)
    finish = worker_pb2.FinishJobRequest(job=job, epoch=decision.epoch)
    with refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_HELD"):
        await rig.api.runs.FinishJob(finish, metadata=rig.first)
    again = await rig.api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=job), metadata=rig.first)
    assert again.epoch == decision.epoch
    await rig.api.runs.FinishJob(finish, metadata=rig.first)
    # It has ended: asking again changes nothing.
    await rig.api.runs.FinishJob(finish, metadata=rig.second)


async def test_attempt_that_an_older_server_began_goes_on(rig: Rig, bench: Bench) -> None:
    """An upgrade while jobs run: their attempts have no holder yet."""
    job = await rig.job()
    epoch = await rig.begin(job, rig.first)
    engine = open_engine(bench.settings.database_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE jobs SET holder = ''"))
    finally:
        await engine.dispose()
    await rig.api.runs.ReportProgress(changes(job, epoch)["ReportProgress"], metadata=rig.second)


async def test_task_is_completed_by_the_worker_that_took_it(rig: Rig, bench: Bench) -> None:
    """A false catalog or check would be believed."""
    bench.connectors.pause = 2.0
    checking = asyncio.ensure_future(rig.open.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop")))
    engine = open_engine(bench.settings.database_url)
    try:
        async with asyncio.timeout(20), engine.connect() as connection:
            held = text("SELECT id FROM tasks WHERE holder <> ''")
            while (task := (await connection.execute(held)).scalar()) is None:
                await connection.rollback()
                await asyncio.sleep(0.05)
    finally:
        await engine.dispose()
    false = worker_pb2.CompleteTaskRequest(task_id=task, failure={"message": "all is lost"})
    with refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_HELD"):
        await rig.api.tasks.CompleteTask(false, metadata=rig.first)
    with refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_HELD"):
        report = worker_pb2.ReportTaskRequest(task_id=task, results=[{"probe": "all is well"}])
        await rig.api.tasks.ReportTask(report, metadata=rig.first)
    assert [result.status.code for result in (await checking).results] == [0]
