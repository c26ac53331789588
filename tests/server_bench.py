"""The server under test: in this process, on a real SQLite file or PostgreSQL database, with a real Temporal."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import structlog
from grpc import aio
from stand_in_worker import StandInActivities, StandInConnectors, stand_in_worker
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from towpath.control.v1 import (
    audit_pb2_grpc,
    connections_pb2_grpc,
    connectors_pb2_grpc,
    destinations_pb2_grpc,
    jobs_pb2_grpc,
    sources_pb2_grpc,
    tokens_pb2_grpc,
)
from towpath.runtime.v1 import worker_pb2_grpc
from towpath_local.embedded.temporal import EmbeddedTemporal
from towpath_server.database.sealing import new_key
from towpath_server.logs import set_up_logs
from towpath_server.serve import RunningServer, start_server
from towpath_server.settings import Settings
from towpath_server.use_cases.caretaker import CareTimes
from towpath_server.use_cases.tasks import TaskLimits

KEY = new_key()
"""The first key of every bench: what one server has sealed, another can be given."""


@dataclass
class Api:
    """Every service of one server, over one channel."""

    channel: aio.Channel
    connectors: connectors_pb2_grpc.ConnectorServiceAsyncStub = field(init=False)
    sources: sources_pb2_grpc.SourceServiceAsyncStub = field(init=False)
    destinations: destinations_pb2_grpc.DestinationServiceAsyncStub = field(init=False)
    connections: connections_pb2_grpc.ConnectionServiceAsyncStub = field(init=False)
    jobs: jobs_pb2_grpc.JobServiceAsyncStub = field(init=False)
    tokens: tokens_pb2_grpc.TokenServiceAsyncStub = field(init=False)
    audit: audit_pb2_grpc.AuditServiceAsyncStub = field(init=False)
    runs: worker_pb2_grpc.JobRunServiceAsyncStub = field(init=False)
    tasks: worker_pb2_grpc.TaskServiceAsyncStub = field(init=False)

    def __post_init__(self) -> None:
        """Make the stubs."""
        self.connectors = connectors_pb2_grpc.ConnectorServiceStub(self.channel)
        self.sources = sources_pb2_grpc.SourceServiceStub(self.channel)
        self.destinations = destinations_pb2_grpc.DestinationServiceStub(self.channel)
        self.connections = connections_pb2_grpc.ConnectionServiceStub(self.channel)
        self.jobs = jobs_pb2_grpc.JobServiceStub(self.channel)
        self.tokens = tokens_pb2_grpc.TokenServiceStub(self.channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(self.channel)
        self.runs = worker_pb2_grpc.JobRunServiceStub(self.channel)
        self.tasks = worker_pb2_grpc.TaskServiceStub(self.channel)


@dataclass
class Bench:
    """One database, one Temporal and one task queue, on which a test starts servers and the stand-in worker."""

    settings: Settings
    client: Client
    connectors: StandInConnectors
    _stack: AsyncExitStack
    servers: list[RunningServer] = field(default_factory=list[RunningServer])

    async def start(self, settings: Settings | None = None) -> Api:
        """Start one more server, and return how to call it; it stops when the test ends."""
        server = await start_server(settings or self.settings)
        self.servers.append(server)
        self._stack.push_async_callback(self.stop, server)
        channel = aio.insecure_channel(server.address)
        self._stack.push_async_callback(channel.close)
        return Api(channel)

    async def stop(self, server: RunningServer | None = None) -> None:
        """Stop a server, the oldest one by default; nothing happens when it was stopped before."""
        if server is None:
            server = self.servers[0]
        if server in self.servers:
            self.servers.remove(server)
            await server.stop(grace=1.0)

    async def start_worker(self, api: Api) -> None:
        """Let the stand-in worker work for the server behind `api`."""
        activities = StandInActivities(self.connectors, api.tasks, api.runs)
        await self._stack.enter_async_context(stand_in_worker(self.client, self.settings.task_queue, activities))


@asynccontextmanager
async def open_bench(database_url: str, temporal: EmbeddedTemporal) -> AsyncGenerator[Bench]:
    """Make a bench on a database; its servers log as the program does."""
    set_up_logs("debug", "console")
    # pytest exchanges standard error between tests; an event goes to the one of its moment.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    settings = Settings(
        listen="127.0.0.1:0",
        database_url=database_url,
        keys=(KEY,),
        temporal_address=temporal.address,
        temporal_namespace=temporal.namespace,
        task_queue=f"test-{uuid.uuid4().hex[:12]}",
        lease=timedelta(seconds=5),
        limits=TaskLimits(spec=20, check=20, discover=20, no_worker=3),
        care=CareTimes(round=0.5, audit=1.0, silence=2.5),
    )
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_forget_schedule, client, "connections/daily")
        yield Bench(settings, client, StandInConnectors(), stack)


async def _forget_schedule(client: Client, name: str) -> None:
    """Remove the schedule that most tests make: the next one's, of the same name, would inherit a start that is due."""
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


@pytest.fixture
async def bench(metadata_url: str, temporal: EmbeddedTemporal) -> AsyncIterator[Bench]:
    """A bench on each kind of database."""
    async with open_bench(metadata_url, temporal) as opened:
        yield opened


@pytest.fixture
async def sqlite_bench(sqlite_url: str, temporal: EmbeddedTemporal) -> AsyncIterator[Bench]:
    """A bench for what has nothing to do with the kind of database."""
    async with open_bench(sqlite_url, temporal) as opened:
        yield opened


@pytest.fixture
async def api(bench: Bench) -> Api:
    """A server with a stand-in worker, on each kind of database."""
    started = await bench.start()
    await bench.start_worker(started)
    return started


@pytest.fixture
def with_settings(bench: Bench) -> Callable[..., Settings]:
    """Return the bench's settings with some of them changed."""

    def changed(**values: object) -> Settings:
        return replace(bench.settings, **values)  # pyright: ignore[reportArgumentType]

    return changed
