"""Following a job or a check: pictures of progress and lines of its log, over any server, across a reconnect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable
from typing import TypeVar

import grpc
import pytest
from grpc import aio
from server_bench import Api, Bench
from server_steps import Attempt, begin, connect, incremental, publish, refused, stream, sync
from towpath.control.v1 import destinations_pb2, jobs_pb2, sources_pb2
from towpath.runtime.v1 import worker_pb2

pytestmark = pytest.mark.usefixtures("ends")

LEVELS = ("LEVEL_DEBUG", "LEVEL_INFO", "LEVEL_WARN", "LEVEL_ERROR")
Answer = TypeVar("Answer")


async def gather(answers: AsyncIterable[Answer]) -> list[Answer]:
    """Read a stream of answers to its end."""
    return [answer async for answer in answers]


def watch(api: Api, job: str) -> aio.UnaryStreamCall[jobs_pb2.WatchJobRequest, jobs_pb2.WatchJobResponse]:
    return api.jobs.WatchJob(jobs_pb2.WatchJobRequest(name=job), timeout=30)


def tail(
    api: Api, job: str, *, after: int = 0, follow: bool = False, level: str = "LEVEL_UNSPECIFIED"
) -> aio.UnaryStreamCall[jobs_pb2.TailLogsRequest, jobs_pb2.TailLogsResponse]:
    request = jobs_pb2.TailLogsRequest(name=job, after_seq=after, follow=follow, minimum_level=level)
    return api.jobs.TailLogs(request, timeout=30)


async def lines(
    api: Api, job: str, *, after: int = 0, follow: bool = False, level: str = "LEVEL_UNSPECIFIED"
) -> list[jobs_pb2.LogLine]:
    """Read the log of a job."""
    return [
        line
        for answer in await gather(tail(api, job, after=after, follow=follow, level=level))
        for line in answer.lines
    ]


async def append(api: Api, job: str, *messages: str, batch: str = "", level: str = "LEVEL_INFO") -> None:
    """Append lines as a worker does."""
    logged = [jobs_pb2.LogLine(message=message, level=level, origin="worker", attempt=1) for message in messages]
    await api.runs.AppendLogs(worker_pb2.AppendLogsRequest(job=job, lines=logged, batch_id=batch))


async def start(api: Api) -> Attempt:
    await connect(api, incremental("orders"), stream("customers"))
    return await begin(api, (await sync(api)).name)


async def test_watch_begins_with_the_present_and_ends_with_the_end(api: Api) -> None:
    """A progress bar needs nothing else."""
    await connect(api, incremental("orders"))
    job = await sync(api)
    watching = asyncio.create_task(gather(watch(api, job.name)))
    await asyncio.sleep(0.3)
    attempt = await begin(api, job.name)
    for seq in (1, 2, 3):
        await attempt.commit(0, seq)
        await asyncio.sleep(0.3)
    await attempt.finish(0)
    await publish(api, job.name)
    pictures = [answer.job for answer in await watching]
    assert pictures[0].state == jobs_pb2.Job.STATE_QUEUED
    assert [item.state for item in pictures].count(jobs_pb2.Job.STATE_SUCCEEDED) == 1
    assert pictures[-1].state == jobs_pb2.Job.STATE_SUCCEEDED
    committed = [item.total.rows_committed for item in pictures]
    assert committed == sorted(committed)
    assert {0, 10, 20, 30} <= set(committed)
    assert pictures[-1].streams[0].progress.rows_committed == 30


async def test_probes_of_a_check_are_seen_through_another_server_than_the_workers(bench: Bench) -> None:
    """Who waits for a check is on one server, and the worker that runs it tells another."""
    api, other = await bench.start(), await bench.start()
    await bench.start_worker(api)
    bench.connectors.halfway = worker_pb2.ReportTaskRequest(results=[{"probe": "network"}], running="login")
    source = sources_pb2.WatchCheckSourceRequest(name="sources/shop")
    steps = aiter(other.sources.WatchCheckSource(source, timeout=30))
    first = await anext(steps)
    assert ([result.probe for result in first.results], first.running) == (["network"], "login")
    bench.connectors.go_on.set()
    assert [([result.probe for result in step.results], step.running) async for step in steps] == [(["network"], "")]
    destination = destinations_pb2.WatchCheckDestinationRequest(name="destinations/lake")
    *_, last = [step async for step in other.destinations.WatchCheckDestination(destination, timeout=30)]
    assert [result.probe for result in last.results] == ["network"]


async def test_watch_shows_changes_that_come_through_another_server(bench: Bench) -> None:
    """Workers and users need not talk to the same one."""
    api, other = await bench.start(), await bench.start()
    await bench.start_worker(api)
    attempt = await start(api)
    pictures = aiter(watch(other, attempt.job))
    assert (await anext(pictures)).job.total.rows_committed == 0
    await attempt.commit(0, 1, rows=5)
    assert (await anext(pictures)).job.total.rows_committed == 5


async def test_watch_that_broke_off_is_simply_called_again(api: Api) -> None:
    """Networks end long streams; what was missed meanwhile is in the first picture."""
    attempt = await start(api)
    first = watch(api, attempt.job)
    assert (await anext(aiter(first))).job.total.rows_committed == 0
    first.cancel()
    await attempt.commit(0, 1, rows=5)
    await attempt.commit(1, 1, rows=7)
    again = aiter(watch(api, attempt.job))
    assert (await anext(again)).job.total.rows_committed == 12
    await publish(api, attempt.job)
    rest = await gather(again)
    assert rest[-1].job.state == jobs_pb2.Job.STATE_FAILED
    assert [answer.job for answer in await gather(watch(api, attempt.job))] == [rest[-1].job]


async def test_watch_of_a_busy_job_stays_slow_enough_to_follow(api: Api) -> None:
    """A job that changes a hundred times a second must not send a hundred pictures to every watcher."""
    attempt = await start(api)
    began = time.monotonic()
    watching = asyncio.create_task(gather(watch(api, attempt.job)))
    for rows in range(60):
        await attempt.report(stream_index=0, progress={"rows_read": rows})
    await publish(api, attempt.job)
    pictures = await watching
    assert len(pictures) <= 4 * (time.monotonic() - began) + 2
    assert pictures[-1].job.streams[0].progress.rows_read == 59


async def test_log_is_read_after_a_seq_and_has_no_gaps(api: Api) -> None:
    """A client that reconnects passes the last seq it saw, and misses nothing."""
    attempt = await start(api)
    await append(api, attempt.job, "one", "two", "three")
    log = await lines(api, attempt.job)
    assert [line.seq for line in log] == list(range(1, len(log) + 1))
    assert [line.message for line in log] == ["job queued", "attempt began", "one", "two", "three"]
    assert [line.origin for line in log] == ["server", "server", "worker", "worker", "worker"]
    assert [line.message for line in await lines(api, attempt.job, after=log[2].seq)] == ["two", "three"]
    assert await lines(api, attempt.job, after=log[-1].seq) == []


async def test_log_can_be_followed_to_the_end_of_the_job(api: Api) -> None:
    """The last lines say why a job failed; a follower must not be cut off before them."""
    attempt = await start(api)
    following = asyncio.create_task(lines(api, attempt.job, follow=True))
    for number in range(5):
        await append(api, attempt.job, f"line {number}")
        await asyncio.sleep(0.05)
    await publish(api, attempt.job)
    log = await following
    assert [line.message for line in log][-4:] == ["line 3", "line 4", "publishing", "job failed"]
    assert log == await lines(api, attempt.job)
    assert log == await lines(api, attempt.job, follow=True)


async def test_log_can_be_narrowed_to_what_is_serious(api: Api) -> None:
    """A million debug lines must not hide one error."""
    attempt = await start(api)
    for level in LEVELS:
        await append(api, attempt.job, level, level=level)
    for index, level in enumerate(LEVELS):
        seen = [line.message for line in await lines(api, attempt.job, level=level) if line.origin == "worker"]
        assert seen == list(LEVELS[index:])


async def test_repeated_batch_of_lines_is_stored_once(api: Api) -> None:
    """A worker repeats its call when the answer was lost."""
    attempt = await start(api)
    for _ in range(3):
        await append(api, attempt.job, "only once", batch="1-1")
    await append(api, attempt.job, "another", batch="1-2")
    await append(api, attempt.job, "nameless")
    await append(api, attempt.job, "nameless")
    worker_lines = [line.message for line in await lines(api, attempt.job) if line.origin == "worker"]
    assert worker_lines == ["only once", "another", "nameless", "nameless"]


async def test_lines_of_many_callers_get_numbers_without_gap_or_repetition(bench: Bench) -> None:
    """A number used twice, or left out, would lose a line to whoever reads on after it."""
    apis = [await bench.start(), await bench.start()]
    await bench.start_worker(apis[0])
    job = (await start(apis[0])).job
    batches = [[f"{batch}.{number}" for number in range(20)] for batch in range(10)]
    await asyncio.gather(*(append(apis[index % 2], job, *batch) for index, batch in enumerate(batches)))
    log = await lines(apis[0], job)
    assert [line.seq for line in log] == list(range(1, len(log) + 1))
    stored = [line.message for line in log if line.origin == "worker"]
    assert sorted(stored) == sorted(message for batch in batches for message in batch)
    for batch in batches:
        first = stored.index(batch[0])
        assert stored[first : first + 20] == batch


async def test_line_keeps_all_that_a_worker_tells(api: Api) -> None:
    """Stream, attributes and time are what one searches a log by."""
    attempt = await start(api)
    told = jobs_pb2.LogLine(
        level="LEVEL_WARN",
        origin="source",
        message="a NUL \x00 and 🚣",
        attributes={"table": 'or"ders\n', "empty": ""},
        stream={"namespace": "public", "name": "orders"},
        attempt=1,
    )
    told.time.FromMilliseconds(1_700_000_000_123)
    await api.runs.AppendLogs(worker_pb2.AppendLogsRequest(job=attempt.job, lines=[told]))
    stored = (await lines(api, attempt.job))[-1]
    told.seq, told.message = stored.seq, "a NUL \ufffd and 🚣"
    assert stored == told


async def test_large_lines_arrive_at_a_client_with_usual_limits(api: Api) -> None:
    """Generated clients and grpcurl accept 4 MiB a message; a log that exceeds it could never be read."""
    attempt = await start(api)
    long = "🚣" * 16 * 1024
    for _ in range(3):
        await append(api, attempt.job, *([long + "cut off"] * 100))
    attributes = {f"{number:03}" + "k" * 300: "🚣" * 5000 for number in range(100)}
    largest = jobs_pb2.LogLine(message=long, origin="worker", attributes=attributes)
    await api.runs.AppendLogs(worker_pb2.AppendLogsRequest(job=attempt.job, lines=[largest] * 3))
    log = [line for line in await lines(api, attempt.job) if line.origin == "worker"]
    assert [line.message for line in log] == [long] * 303
    assert dict(log[-1].attributes) == {f"{number:03}" + "k" * 253: "🚣" * 4096 for number in range(64)}


async def test_too_many_lines_at_once_and_unknown_jobs_are_refused(api: Api) -> None:
    """A limit that is not said is found at night."""
    attempt = await start(api)
    await append(api, attempt.job, *(["x"] * 1000))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_LINES"):
        await append(api, attempt.job, *(["x"] * 1001))
    for call in (watch(api, "jobs/none"), tail(api, "jobs/none")):
        with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
            await gather(call)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME"):
        await gather(watch(api, "connections/daily"))
