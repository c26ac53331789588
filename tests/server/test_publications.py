"""What becomes visible when a job ends: see docs/adr/0004. Decided once, and stored in one piece."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from server_bench import Api
from server_database import failing_updates
from server_steps import (
    Attempt,
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
from towpath.control.v1 import connections_pb2, failures_pb2, jobs_pb2
from towpath.runtime.v1 import worker_pb2

pytestmark = pytest.mark.usefixtures("ends")

BROKEN = {"kind": "KIND_UNAVAILABLE", "reason": "SOURCE_DOWN", "message": "the source is down", "origin": "source"}
CANCELLED = {"kind": "KIND_CANCELLED", "reason": "CANCELLED", "message": "cancelled", "origin": "worker"}


async def start(api: Api) -> Attempt:
    """Begin a job with an incremental stream 0 and a snapshot 1."""
    await connect(api, incremental("orders"), stream("customers"))
    return await begin(api, (await sync(api)).name)


def ends(job: jobs_pb2.Job) -> list[str]:
    """Return the states of the streams of a job."""
    return [jobs_pb2.StreamProgress.State.Name(item.state).removeprefix("STATE_") for item in job.streams]


async def test_finished_job_publishes_every_receipt_in_the_order_of_the_commits(api: Api) -> None:
    """The destination completes exactly these uploads, and nothing else ever becomes visible."""
    attempt = await start(api)
    for index, seq in ((1, 1), (0, 1), (1, 2), (0, 2)):
        await attempt.commit(index, seq)
    await attempt.finish(0)
    await attempt.finish(1)
    decision, state = await publish(api, attempt.job)
    assert list(decision.receipts) == [b"receipt 0.1", b"receipt 0.2", b"receipt 1.1", b"receipt 1.2"]
    completed = [
        (item.name.name, item.generation_id, item.minimum_generation_id) for item in decision.completed_streams
    ]
    assert completed == [("orders", 1, 0), ("customers", 1, 1)]
    assert state == "STATE_SUCCEEDED"
    job = await get_job(api, attempt.job)
    assert ends(job) == ["SUCCEEDED", "SUCCEEDED"]
    assert job.HasField("start_time")
    assert job.HasField("end_time")
    assert not job.HasField("failure")
    stored = await states(api)
    assert (stored["orders"].state, stored["orders"].state_version) == (b"state 0.2", 1)
    assert stored["customers"].state == b"", "a snapshot has no position"


@pytest.mark.parametrize(("failure", "outcome"), [(BROKEN, "FAILED"), (CANCELLED, "CANCELLED")])
async def test_broken_job_delivers_what_increments_committed_and_nothing_of_a_snapshot(
    api: Api, failure: dict[str, Any], outcome: str
) -> None:
    """Readers never see half a snapshot; hours of an incremental load are not thrown away."""
    attempt = await start(api)
    await attempt.commit(0, 1)
    await attempt.commit(0, 2)
    await attempt.commit(1, 1)
    decision, state = await publish(api, attempt.job, **failure)
    assert list(decision.receipts) == [b"receipt 0.1", b"receipt 0.2"]
    assert list(decision.completed_streams) == []
    assert state == f"STATE_{outcome}"
    job = await get_job(api, attempt.job)
    assert ends(job) == [outcome, outcome]
    assert failures_pb2.Failure.Kind.Name(job.failure.kind) == failure["kind"]
    assert {name: item.state for name, item in (await states(api)).items()} == {"orders": b"state 0.2"}
    following = await begin(api, (await sync(api)).name)
    assert [(item.state, item.commit_seq) for item in following.work.streams] == [(b"state 0.2", 0), (b"", 0)]


async def test_one_failing_stream_does_not_keep_the_others_from_being_delivered(api: Api) -> None:
    """One table without a privilege among two hundred must cost one table."""
    attempt = await start(api)
    await attempt.commit(1, 1)
    await attempt.finish(1)
    await attempt.finish(0, kind="KIND_DENIED", reason="NO_SELECT", message="GRANT SELECT ON orders", origin="source")
    decision, state = await publish(api, attempt.job)
    assert (list(decision.receipts), state) == ([b"receipt 1.1"], "STATE_FAILED")
    job = await get_job(api, attempt.job)
    assert ends(job) == ["FAILED", "SUCCEEDED"]
    assert (job.failure.reason, job.failure.origin) == ("NO_SELECT", "source")
    assert "1 of 2 streams" in job.failure.message
    assert "public.orders: GRANT SELECT ON orders" in job.failure.message


async def test_refresh_that_breaks_off_keeps_the_generation_that_readers_have(api: Api) -> None:
    """Also of an incremental stream: a part of the new generation beside the old one would double rows."""
    await connect(api, incremental("orders"))
    await run_to_end(api, (await sync(api)).name)
    before = await states(api)
    refresh = connections_pb2.RefreshConnectionRequest(name="connections/daily")
    attempt = await begin(api, (await api.connections.RefreshConnection(refresh)).job.name)
    work = attempt.work.streams[0]
    assert (work.state, work.generation_id, work.minimum_generation_id) == (b"", 2, 2)
    await attempt.commit(0, 1)
    decision, _ = await publish(api, attempt.job, **BROKEN)
    assert (list(decision.receipts), list(decision.completed_streams)) == ([], [])
    assert await states(api) == before


async def test_decision_is_made_once(api: Api) -> None:
    """The worker may die while it publishes; whoever goes on must publish the same."""
    attempt = await start(api)
    await attempt.commit(0, 1)
    begin_publish = worker_pb2.BeginPublishRequest(job=attempt.job, failure=BROKEN)
    first = await api.runs.BeginPublish(begin_publish)
    begin_publish.ClearField("failure")
    assert await api.runs.BeginPublish(begin_publish) == first
    late = await begin(api, attempt.job)
    assert late.epoch == first.epoch
    assert all(item.transferred for item in late.work.streams), "there is nothing left to transfer"
    ended = await api.runs.FinishJob(worker_pb2.FinishJobRequest(job=attempt.job, epoch=first.epoch))
    assert ended.state == jobs_pb2.Job.STATE_FAILED
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ENDED"):
        await api.runs.BeginPublish(begin_publish)


async def test_end_of_a_job_is_stored_once_and_only_for_its_publication(api: Api) -> None:
    """A repetition answers the same; an older worker cannot end what a newer one does."""
    attempt = await start(api)
    await attempt.commit(0, 1)
    for epoch, code, reason in (
        (attempt.epoch, grpc.StatusCode.ABORTED, "FENCED"),
        (0, grpc.StatusCode.INVALID_ARGUMENT, "FAILURE_MISSING"),
    ):
        with refused(code, reason):
            await api.runs.FinishJob(worker_pb2.FinishJobRequest(job=attempt.job, epoch=epoch))
    _, state = await publish(api, attempt.job)
    again = worker_pb2.FinishJobRequest(job=attempt.job, epoch=99, failure=CANCELLED)
    assert jobs_pb2.Job.State.Name((await api.runs.FinishJob(again)).state) == state
    assert (await get_job(api, attempt.job)).failure.reason != "CANCELLED"


async def test_publication_that_failed_for_good_moves_nothing_on(api: Api) -> None:
    """What is not visible must be read again."""
    attempt = await start(api)
    await attempt.commit(0, 1)
    await attempt.finish(0)
    decision = await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=attempt.job))
    failure = {"kind": "KIND_DENIED", "reason": "NO_PUT", "message": "allow s3:PutObject", "origin": "destination"}
    finish = worker_pb2.FinishJobRequest(job=attempt.job, epoch=decision.epoch, failure=failure)
    assert (await api.runs.FinishJob(finish)).state == jobs_pb2.Job.STATE_FAILED
    assert await states(api) == {}
    assert (await get_job(api, attempt.job)).failure.reason == "NO_PUT"


async def test_end_of_a_job_and_the_positions_of_its_connection_are_one_transaction(
    api: Api, metadata_url: str
) -> None:
    """A position that moved without its job would be moved twice, or skip what was never shown."""
    attempt = await start(api)
    for index in (0, 1):
        await attempt.commit(index, 1)
        await attempt.finish(index)
    decision = await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=attempt.job))
    finish = worker_pb2.FinishJobRequest(job=attempt.job, epoch=decision.epoch)
    async with failing_updates(metadata_url, "jobs", "NEW.state >= 4"):
        with refused(grpc.StatusCode.INTERNAL, "BUG"):
            await api.runs.FinishJob(finish)
    assert await states(api) == {}
    assert ends(await get_job(api, attempt.job)) == ["TRANSFERRED", "TRANSFERRED"]
    assert (await api.runs.FinishJob(finish)).state == jobs_pb2.Job.STATE_SUCCEEDED
    assert set(await states(api)) == {"orders", "customers"}


async def test_connection_that_was_changed_meanwhile_does_not_take_over_a_state_of_the_old_way(api: Api) -> None:
    """A position by `updated_at` means nothing to a read by another cursor."""
    attempt = await start(api)
    changed = connections_pb2.Connection(name="connections/daily", streams=[stream("orders"), stream("customers")])
    request = connections_pb2.UpdateConnectionRequest(connection=changed)
    request.update_mask.paths.append("streams")
    await api.connections.UpdateConnection(request)
    await attempt.commit(0, 1)
    await attempt.finish(0)
    await publish(api, attempt.job)
    orders = (await states(api))["orders"]
    assert (orders.state, orders.generation_id) == (b"", 2)


async def test_clear_drops_states_before_data_and_the_generation_afterwards(api: Api) -> None:
    """A clear that breaks off half-way must be followed by a full read, never by an increment onto nothing."""
    await connect(api, incremental("orders"), incremental("customers"))
    await run_to_end(api, (await sync(api)).name)
    clear = connections_pb2.ClearConnectionRequest(
        name="connections/daily", streams=[{"namespace": "public", "name": "orders"}]
    )
    job = (await api.connections.ClearConnection(clear)).job
    attempt = await begin(api, job.name)
    assert not attempt.work.HasField("source"), "nothing is read"
    decision = await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=job.name))
    assert [(item.name.name, item.minimum_generation_id) for item in decision.completed_streams] == [("orders", 2)]
    assert list(decision.receipts) == []
    half_way = await states(api)
    assert (half_way["orders"].state, half_way["customers"].state) == (b"", b"state 1.1")
    finish = worker_pb2.FinishJobRequest(job=job.name, epoch=decision.epoch)
    assert (await api.runs.FinishJob(finish)).state == jobs_pb2.Job.STATE_SUCCEEDED
    work = (await begin(api, (await sync(api)).name)).work.streams[0]
    assert (work.state, work.generation_id, work.last_ipc_schema) == (b"", 2, b"")
