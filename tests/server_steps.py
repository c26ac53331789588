"""Steps that many tests of the server take: register, connect, start, play an attempt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import aio
from server_bench import Api
from towpath.control.v1 import (
    connections_pb2,
    connectors_pb2,
    destinations_pb2,
    jobs_pb2,
    sources_pb2,
)
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.errors import TowpathError
from towpath_sdk.status import from_rpc

SECRET = "hunter2-🔑-not-to-be-seen"
SOURCE_CONFIG: dict[str, Any] = {"host": "db.example", "port": 5432, "password": SECRET}


async def register(api: Api) -> None:
    """Register a source connector `pg` and a destination connector `s3`."""
    for identifier, program in (("pg", "source"), ("s3", "destination")):
        await api.connectors.CreateConnector(
            connectors_pb2.CreateConnectorRequest(
                connector_id=identifier, connector=connectors_pb2.Connector(command=[program])
            )
        )


async def create_ends(api: Api) -> None:
    """Create the source `shop` and the destination `lake`, with their connectors."""
    await register(api)
    await create_source(api, "shop")
    await api.destinations.CreateDestination(
        destinations_pb2.CreateDestinationRequest(
            destination_id="lake",
            destination=destinations_pb2.Destination(connector="connectors/s3", config_json='{"bucket":"lake"}'),
        )
    )


async def create_source(api: Api, identifier: str, config: dict[str, Any] | None = None) -> sources_pb2.Source:
    """Create a source of the connector `pg`."""
    answer = await api.sources.CreateSource(
        sources_pb2.CreateSourceRequest(
            source_id=identifier,
            source=sources_pb2.Source(
                connector="connectors/pg",
                config_json=json.dumps(SOURCE_CONFIG if config is None else config, ensure_ascii=False),
            ),
        )
    )
    return answer.source


def preview_of(name: str, **values: Any) -> sources_pb2.PreviewStreamRequest:
    """Ask for the first rows of a stream of the source `shop`."""
    return sources_pb2.PreviewStreamRequest(name="sources/shop", stream={"namespace": "public", "name": name}, **values)


def stream(
    name: str,
    read_mode: str = "READ_MODE_SNAPSHOT",
    write_mode: str = "WRITE_MODE_UNSPECIFIED",
    **values: Any,
) -> connections_pb2.ConnectionStream:
    """Select a stream of the schema `public`."""
    return connections_pb2.ConnectionStream(
        name={"namespace": "public", "name": name}, read_mode=read_mode, write_mode=write_mode, **values
    )


def incremental(name: str) -> connections_pb2.ConnectionStream:
    """Select a stream that is read by its column `updated_at`."""
    return stream(name, "READ_MODE_INCREMENTAL", cursor_column="updated_at")


async def connect(
    api: Api, *streams: connections_pb2.ConnectionStream, identifier: str = "daily", **values: Any
) -> connections_pb2.Connection:
    """Connect `shop` with `lake`."""
    answer = await api.connections.CreateConnection(
        connections_pb2.CreateConnectionRequest(
            connection_id=identifier,
            connection=connections_pb2.Connection(
                source="sources/shop", destination="destinations/lake", streams=streams, **values
            ),
        )
    )
    return answer.connection


async def sync(api: Api, connection: str = "connections/daily") -> jobs_pb2.Job:
    """Start a job."""
    return (await api.connections.SyncConnection(connections_pb2.SyncConnectionRequest(name=connection))).job


async def get_job(api: Api, job: str) -> jobs_pb2.Job:
    """Get a job."""
    return (await api.jobs.GetJob(jobs_pb2.GetJobRequest(name=job))).job


@dataclass
class Attempt:
    """The worker's side of one attempt, played by the test."""

    api: Api
    job: str
    work: worker_pb2.BeginAttemptResponse

    @property
    def epoch(self) -> int:
        """The number of the attempt."""
        return self.work.epoch

    async def commit(self, index: int, seq: int, *, rows: int = 10, receipt: bytes | None = None) -> None:
        """Commit; state and receipt are named after stream and commit."""
        await self.api.runs.CommitStream(
            worker_pb2.CommitStreamRequest(
                job=self.job,
                epoch=self.epoch,
                stream_index=index,
                commit_seq=seq,
                state=f"state {index}.{seq}".encode(),
                state_version=1,
                receipt=receipt if receipt is not None else f"receipt {index}.{seq}".encode(),
                rows=rows,
                bytes=rows * 100,
                ipc_schema=b"schema",
            )
        )

    async def finish(self, index: int, **failure: Any) -> None:
        """Report a stream as transferred, or as failed when a failure is given."""
        await self.api.runs.FinishStream(
            worker_pb2.FinishStreamRequest(
                job=self.job, epoch=self.epoch, stream_index=index, failure=failure or None, ipc_schema=b"schema"
            )
        )

    async def report(self, **counters: Any) -> bool:
        """Report progress of one stream, or renew the lease only; returns whether a cancel was asked for."""
        streams = [worker_pb2.StreamCounters(**counters)] if counters else []
        answer = await self.api.runs.ReportProgress(
            worker_pb2.ReportProgressRequest(job=self.job, epoch=self.epoch, streams=streams)
        )
        return answer.cancel_requested


async def begin(api: Api, job: str, run_id: str = "", try_number: int = 0) -> Attempt:
    """Begin an attempt of a job."""
    request = worker_pb2.BeginAttemptRequest(job=job, worker="test", run_id=run_id, try_number=try_number)
    work = await api.runs.BeginAttempt(request)
    return Attempt(api, job, work)


async def publish(api: Api, job: str, **failure: Any) -> tuple[worker_pb2.BeginPublishResponse, str]:
    """Publish a job; returns the decision, and the name of the state in which the job ended."""
    decision = await api.runs.BeginPublish(worker_pb2.BeginPublishRequest(job=job, failure=failure or None))
    ended = await api.runs.FinishJob(worker_pb2.FinishJobRequest(job=job, epoch=decision.epoch))
    return decision, jobs_pb2.Job.State.Name(ended.state)


async def run_to_end(api: Api, job: str) -> worker_pb2.BeginPublishResponse:
    """Commit once and finish every stream of a job, and publish it."""
    attempt = await begin(api, job)
    for work in attempt.work.streams:
        await attempt.commit(work.stream_index, 1)
        await attempt.finish(work.stream_index)
    decision, _ = await publish(api, job)
    return decision


async def states(api: Api, connection: str = "connections/daily") -> dict[str, connections_pb2.StreamState]:
    """Return the stored states of a connection by stream."""
    answer = await api.connections.ListStreamStates(connections_pb2.ListStreamStatesRequest(name=connection))
    return {state.name.name: state for state in answer.states}


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - Temporal and other servers send no event to a test
            await asyncio.sleep(0.1)


@dataclass
class Refusal:
    """A call that failed: its gRPC code and what the details say."""

    code: grpc.StatusCode
    error: TowpathError
    fields: dict[str, str]


async def refusal(call: Awaitable[Any]) -> Refusal:
    """Await a call that must fail."""
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    return _refusal(caught.value)


@contextmanager
def refused(code: grpc.StatusCode, reason: str) -> Generator[None]:
    """Expect the block to end with a failed call of this code and reason."""
    with pytest.raises(aio.AioRpcError) as caught:
        yield
    seen = _refusal(caught.value)
    assert (code, reason) == (seen.code, seen.error.reason), seen.error.message


def _refusal(error: aio.AioRpcError) -> Refusal:
    trailer = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(trailer if isinstance(trailer, bytes) else b"")
    fields: dict[str, str] = {}
    for detail in status.details:
        bad_request = error_details_pb2.BadRequest()
        if detail.Unpack(bad_request):
            fields = {violation.field: violation.description for violation in bad_request.field_violations}
    return Refusal(error.code(), from_rpc(error), fields)
