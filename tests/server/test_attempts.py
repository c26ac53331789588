"""Attempts: each fences the ones before it, and a commit is stored once, whole and in order."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import grpc
import pytest
from server_bench import Api, Bench
from server_database import failing_updates, rows_of
from server_steps import (
    SOURCE_CONFIG,
    Attempt,
    begin,
    connect,
    get_job,
    incremental,
    publish,
    refused,
    run_to_end,
    stream,
    sync,
)
from towpath.control.v1 import connections_pb2, jobs_pb2, sources_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.errors import TowpathError
from towpath_sdk.status import from_rpc

pytestmark = pytest.mark.usefixtures("ends")

FENCED = (grpc.StatusCode.ABORTED, "FENCED")


async def start(api: Api) -> Attempt:
    """Begin the first attempt of a job with an incremental stream 0 and a snapshot 1."""
    await connect(api, incremental("orders"), stream("customers"))
    return await begin(api, (await sync(api)).name)


async def call_everything_with_an_epoch(attempt: Attempt) -> None:
    """Make every call by which an attempt changes its job, and expect each to be refused."""
    calls = {
        method.name: method.input_type
        for method in worker_pb2.DESCRIPTOR.services_by_name["JobRunService"].methods
        if "epoch" in method.input_type.fields_by_name and method.name != "FinishJob"
    }
    assert set(calls) == {
        "ReportProgress",
        "CommitStream",
        "ResetStream",
        "ReportSchemaChange",
        "FinishStream",
        "EndAttempt",
    }
    for name, request_type in calls.items():
        request = getattr(worker_pb2, request_type.name)(job=attempt.job, epoch=attempt.epoch)
        if name == "CommitStream":
            request.commit_seq = 1
        if name == "ReportSchemaChange":
            request.columns.add(column="note")
        with refused(*FENCED):
            await getattr(attempt.api.runs, name)(request)


async def test_attempt_learns_everything_that_it_needs(api: Api, bench: Bench) -> None:
    """A worker has no other way to learn it: it cannot see the database."""
    work = (await start(api)).work
    assert (work.epoch, work.connection, work.kind) == (1, "connections/daily", jobs_pb2.Job.KIND_SYNC)
    assert json.loads(work.source.config_json) == SOURCE_CONFIG
    assert (list(work.source.command), work.source.connector) == (["source"], "connectors/pg")
    assert work.source.spec.connector_id == "test.source"
    assert json.loads(work.destination.config_json) == {"bucket": "lake"}
    assert [(item.stream_index, item.stream.name.name) for item in work.streams] == [(0, "orders"), (1, "customers")]
    assert [(item.generation_id, item.minimum_generation_id) for item in work.streams] == [(1, 0), (1, 1)]
    assert (work.settings.max_parallel_streams, work.settings.commit_bytes, work.settings.max_attempts) == (4, 2**28, 5)
    assert work.settings.commit_interval.seconds == 60
    assert work.lease.ToTimedelta() == bench.settings.lease


async def test_new_attempt_fences_the_one_before_in_every_call(api: Api) -> None:
    """A worker that was cut off and wakes up must not be able to store anything."""
    old = await start(api)
    new = await begin(api, old.job)
    assert new.epoch == old.epoch + 1
    await call_everything_with_an_epoch(old)
    await new.commit(0, 1)


async def test_try_that_comes_late_does_not_overtake_the_one_that_runs(api: Api) -> None:
    """A worker that was frozen wakes up with a task that Temporal gave up meanwhile, and gave to another one."""
    job = (await start(api)).job
    running = await begin(api, job, "one run", 3)
    for late in (1, 2):
        with refused(*FENCED):
            await begin(api, job, "one run", late)
    await running.commit(0, 1)
    assert [attempt.number for attempt in (await get_job(api, job)).attempts] == [1, running.epoch]


async def test_try_that_is_asked_for_again_or_comes_later_begins(api: Api) -> None:
    """A worker that got no answer asks again; a run that was started anew counts from one; some do not say."""
    job = (await start(api)).job
    for run, number in (
        ("one run", 3),
        ("one run", 3),
        ("one run", 4),
        ("another run", 1),
        ("", 0),
        ("another run", 1),
    ):
        attempt = await begin(api, job, run, number)
    await attempt.commit(0, 1)


async def test_publication_fences_the_attempt_in_every_call(api: Api) -> None:
    """What is published must not change while it is published."""
    attempt = await start(api)
    await attempt.commit(0, 1)
    await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=attempt.job))
    await call_everything_with_an_epoch(attempt)


async def test_end_of_the_job_fences_the_attempt_and_refuses_another(api: Api) -> None:
    """Also the worker that Temporal starts by mistake."""
    attempt = await start(api)
    await publish(api, attempt.job)
    await call_everything_with_an_epoch(attempt)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ENDED"):
        await begin(api, attempt.job)


async def test_next_attempt_goes_on_after_the_last_commit(api: Api) -> None:
    """This is what makes a crash cheap."""
    first = await start(api)
    await first.commit(0, 1, rows=7)
    await first.commit(0, 2, rows=5)
    await first.commit(1, 1)
    await first.finish(1)
    orders, customers = (await begin(api, first.job)).work.streams
    assert (orders.state, orders.state_version, orders.commit_seq) == (b"state 0.2", 1, 2)
    assert list(orders.receipts) == [b"receipt 0.1", b"receipt 0.2"]
    assert (orders.rows_committed, orders.bytes_committed, orders.transferred) == (12, 1200, False)
    assert (customers.transferred, list(customers.receipts)) == (True, [b"receipt 1.1"])


async def test_configuration_that_was_mended_is_used_by_the_next_attempt(api: Api) -> None:
    """A user corrects the password while Temporal retries, and the job succeeds."""
    first = await start(api)
    mended = sources_pb2.Source(name="sources/shop", config_json=json.dumps({**SOURCE_CONFIG, "password": "right"}))
    await api.sources.UpdateSource(sources_pb2.UpdateSourceRequest(source=mended))
    second = await begin(api, first.job)
    assert json.loads(second.work.source.config_json)["password"] == "right"


async def test_commits_are_taken_in_order_and_each_once(api: Api) -> None:
    """A worker repeats its call when the answer was lost; nothing may be counted twice or left out."""
    attempt = await start(api)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "COMMIT_OUT_OF_ORDER"):
        await attempt.commit(0, 2)
    await asyncio.gather(*(attempt.commit(0, 1) for _ in range(10)))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "COMMIT_DIFFERS"):
        await attempt.commit(0, 1, receipt=b"another")
    await attempt.commit(0, 2, rows=32)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "COMMIT_OUT_OF_ORDER"):
        await attempt.commit(0, 1)
    seen = (await get_job(api, attempt.job)).streams[0]
    assert (seen.progress.commits, seen.progress.rows_committed, seen.progress.bytes_committed) == (2, 42, 4200)
    assert [mark.rows for mark in seen.recent_commits] == [10, 42]
    for seq in range(3, 40):
        await attempt.commit(0, seq, rows=1)
    seen = (await get_job(api, attempt.job)).streams[0]
    assert [mark.rows for mark in seen.recent_commits] == list(range(48, 80)), "of the newest 32 commits"


async def test_commit_is_in_the_next_attempt_or_was_refused(bench: Bench) -> None:
    """Never both: the destination discards what follows the commit that the new attempt knows of."""
    api, other = await bench.start(), await bench.start()
    await bench.start_worker(api)
    attempt = await start(api)

    async def commit(seq: int) -> bool:
        try:
            await attempt.commit(0, seq)
        except grpc.RpcError as error:
            failure: TowpathError = from_rpc(error)
            assert failure.reason == "FENCED"
            return False
        return True

    stored = 0
    for _ in range(10):
        accepted, successor = await asyncio.gather(commit(stored + 1), begin(other, attempt.job))
        stored += accepted
        assert (successor.work.streams[0].commit_seq, len(successor.work.streams[0].receipts)) == (stored, stored)
        attempt = Attempt(api, attempt.job, successor.work)


async def test_commit_is_stored_with_state_and_receipt_or_not_at_all(api: Api, metadata_url: str) -> None:
    """A receipt without its state would publish rows that the next run reads again."""
    attempt = await start(api)
    async with failing_updates(metadata_url, "job_streams", "NEW.commit_seq > 0"):
        with refused(grpc.StatusCode.INTERNAL, "BUG"):
            await attempt.commit(0, 1)
    assert rows_of(metadata_url, "SELECT * FROM commits") == []
    async with failing_updates(metadata_url, "jobs", "NEW.epoch = 1"):
        with refused(grpc.StatusCode.INTERNAL, "BUG"):
            await attempt.commit(0, 1)
    assert rows_of(metadata_url, "SELECT * FROM commits") == []
    await attempt.commit(0, 1)
    assert (await get_job(api, attempt.job)).streams[0].progress.commits == 1


async def test_schema_change_is_told_once_with_its_job_and_what_was_done(api: Api) -> None:
    """Whoever finds another type in the lake asks since when, and whether somebody was asked."""
    attempt = await start(api)
    retyped: dict[str, Any] = {"column": "amount", "type_before": "int32", "type_after": "string"}

    async def report(index: int, **column: str) -> None:
        request = worker_pb2.ReportSchemaChangeRequest(
            job=attempt.job, epoch=attempt.epoch, stream_index=index, columns=[cast("Any", column)]
        )
        await api.runs.ReportSchemaChange(request)

    await report(0, **retyped)
    await report(1, column="note", type_after="string")
    await report(0, **retyped)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "NO_CHANGE"):
        nothing = worker_pb2.ReportSchemaChangeRequest(job=attempt.job, epoch=attempt.epoch)
        await api.runs.ReportSchemaChange(nothing)
    request = connections_pb2.ListSchemaChangesRequest(name="connections/daily", page_size=1)
    first = await api.connections.ListSchemaChanges(request)
    request.page_token = first.next_page_token
    second = await api.connections.ListSchemaChanges(request)
    assert second.next_page_token == ""
    [added], [changed] = first.changes, second.changes
    assert (added.stream.name, added.job, list(added.columns)) == (
        "customers",
        attempt.job,
        [connections_pb2.ColumnChange(column="note", type_after="string")],
    )
    assert list(changed.columns) == [connections_pb2.ColumnChange(**retyped)]
    assert changed.policy == connections_pb2.Connection.SCHEMA_CHANGE_POLICY_PROPAGATE
    assert changed.time.ToDatetime() <= added.time.ToDatetime()


async def test_report_renews_the_lease_and_shows_counters_and_rates(api: Api) -> None:
    """What the progress bar shows."""
    attempt = await start(api)
    for rows in (100, 300, 700):
        await attempt.report(stream_index=0, progress={"rows_read": rows, "bytes_read": rows * 10}, estimated_rows=1000)
        await asyncio.sleep(0.05)
    job = await get_job(api, attempt.job)
    orders = job.streams[0]
    assert (orders.state, orders.progress.rows_read, orders.estimated_rows) == (
        jobs_pb2.StreamProgress.STATE_RUNNING,
        700,
        1000,
    )
    assert orders.progress.rows_per_second > 0
    assert orders.progress.bytes_per_second == pytest.approx(orders.progress.rows_per_second * 10)
    assert (job.total.rows_read, job.total.bytes_read) == (700, 7000)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_STREAM"):
        await attempt.report(stream_index=9)


async def test_report_that_arrives_late_does_not_open_a_finished_stream_again(api: Api) -> None:
    """Reports and ends travel over different tasks of a worker."""
    attempt = await start(api)
    await attempt.commit(0, 1)
    await attempt.finish(0)
    await attempt.report(stream_index=0, progress={"rows_read": 5})
    orders = (await get_job(api, attempt.job)).streams[0]
    assert (orders.state, orders.progress.rows_read) == (jobs_pb2.StreamProgress.STATE_TRANSFERRED, 10)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "STREAM_ENDED"):
        await attempt.commit(0, 2)


async def test_failure_that_may_pass_leaves_the_stream_to_the_next_attempt(api: Api) -> None:
    """And one that cannot pass does not: it would fail again, and hold the others up."""
    attempt = await start(api)
    await attempt.finish(0, kind="KIND_UNAVAILABLE", reason="RESET", message="connection reset")
    await attempt.finish(1, kind="KIND_DENIED", reason="NO_SELECT", message="grant it", origin="source")
    await attempt.finish(1, kind="KIND_DENIED", reason="NO_SELECT", message="grant it", origin="source")
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "STREAM_ENDED"):
        await attempt.finish(1)
    states = [item.state for item in (await get_job(api, attempt.job)).streams]
    assert states == [jobs_pb2.StreamProgress.STATE_PENDING, jobs_pb2.StreamProgress.STATE_FAILED]
    assert [item.stream_index for item in (await begin(api, attempt.job)).work.streams] == [0]


async def test_ended_attempt_is_shown_with_its_failure(api: Api) -> None:
    """The history of a job tells which worker met what."""
    attempt = await start(api)
    failure = {"kind": "KIND_UNAVAILABLE", "reason": "S3_DOWN", "message": "S3 is down", "origin": "destination"}
    request = worker_pb2.EndAttemptRequest(job=attempt.job, epoch=1, failure=failure)
    for _ in range(2):
        await api.runs.EndAttempt(request)
    await begin(api, attempt.job)
    job = await get_job(api, attempt.job)
    assert job.state == jobs_pb2.Job.STATE_RUNNING
    assert [(item.number, item.worker, item.failure.reason, item.HasField("end_time")) for item in job.attempts] == [
        (1, "test", "S3_DOWN", True),
        (2, "test", "", False),
    ]


async def test_reset_of_a_stream_brings_back_the_state_of_the_jobs_start(api: Api) -> None:
    """A position that the source lost within a job must not cost what earlier jobs delivered."""
    first = await start(api)
    for work in first.work.streams:
        await first.commit(work.stream_index, 1)
        await first.finish(work.stream_index)
    await publish(api, first.job)
    attempt = await begin(api, (await sync(api)).name)
    await attempt.commit(0, 1, receipt=b"to be forgotten")
    request = worker_pb2.ResetStreamRequest(
        job=attempt.job, epoch=attempt.epoch, stream_index=0, reason={"reason": "SNAPSHOT_GONE", "message": "it ended"}
    )
    fresh = (await api.runs.ResetStream(request)).stream
    assert (fresh.state, fresh.commit_seq, list(fresh.receipts), fresh.rows_committed) == (b"state 0.1", 0, [], 0)
    await attempt.commit(0, 1, receipt=b"kept")
    await attempt.finish(0)
    await attempt.finish(1)
    decision, state = await publish(api, attempt.job)
    assert (list(decision.receipts), state) == ([b"kept"], "STATE_SUCCEEDED")
    with refused(*FENCED):
        await api.runs.ResetStream(request)


async def test_work_of_a_second_job_begins_where_the_first_ended(api: Api) -> None:
    """With the schema of then, by which drift is noticed."""
    await connect(api, incremental("orders"))
    await run_to_end(api, (await sync(api)).name)
    work = (await begin(api, (await sync(api)).name)).work.streams[0]
    assert (work.state, work.commit_seq, work.last_ipc_schema) == (b"state 0.1", 0, b"schema")


async def test_listed_jobs_carry_the_sums_over_their_streams(api: Api) -> None:
    """A history without row counts would send everybody through each of its jobs."""
    attempt = await start(api)
    for index, rows in ((0, 30), (1, 12)):
        await attempt.report(stream_index=index, progress={"rows_read": rows + 1, "bytes_read": rows})
        await attempt.commit(index, 1, rows=rows)
    (listed,) = (await api.jobs.ListJobs(jobs_pb2.ListJobsRequest())).jobs
    shown = (await get_job(api, attempt.job)).total
    shown.ClearField("rows_per_second")
    shown.ClearField("bytes_per_second")
    assert listed.total == shown
    assert (listed.total.rows_committed, listed.total.rows_read, listed.total.commits) == (42, 44, 2)
    assert not listed.streams
