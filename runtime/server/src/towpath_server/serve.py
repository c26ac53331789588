"""Puts the parts together, serves, and stops without cutting anybody off."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import structlog
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_reflection.v1alpha import reflection
from temporalio.client import Client, Interceptor
from towpath.control.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    connections_pb2,
    connections_pb2_grpc,
    connectors_pb2,
    connectors_pb2_grpc,
    destinations_pb2,
    destinations_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    sources_pb2,
    sources_pb2_grpc,
    tokens_pb2,
    tokens_pb2_grpc,
)
from towpath.runtime.v1 import worker_pb2, worker_pb2_grpc
from towpath_sdk import traces
from towpath_sdk.errors import Misconfigured

from towpath_server.api.audit import AuditService
from towpath_server.api.connections import ConnectionService
from towpath_server.api.connectors import ConnectorService
from towpath_server.api.destinations import DestinationService
from towpath_server.api.guard import Guard
from towpath_server.api.jobs import JobService
from towpath_server.api.rules import check_rules
from towpath_server.api.runtime import JobRunService, TaskService
from towpath_server.api.sources import SourceService
from towpath_server.api.tokens import TokenService
from towpath_server.database.engine import open_engine
from towpath_server.database.migrate import migrate
from towpath_server.database.sealing import Sealer
from towpath_server.database.store import SqlStore
from towpath_server.domain.connector import Role
from towpath_server.observation import Observation
from towpath_server.orchestration.temporal import TemporalOrchestrator
from towpath_server.settings import Settings
from towpath_server.use_cases.attempts import Attempts
from towpath_server.use_cases.audit import AuditTrail
from towpath_server.use_cases.authentication import Authentication, require_admin
from towpath_server.use_cases.caretaker import Caretaker
from towpath_server.use_cases.changes import Changes
from towpath_server.use_cases.connections import Connections
from towpath_server.use_cases.connectors import Connectors
from towpath_server.use_cases.endpoints import Endpoints
from towpath_server.use_cases.follow import Follower
from towpath_server.use_cases.jobs import Jobs
from towpath_server.use_cases.plans import Plans
from towpath_server.use_cases.previews import Previews
from towpath_server.use_cases.publications import Publications
from towpath_server.use_cases.schedules import Schedules
from towpath_server.use_cases.tasks import ConnectorTasks
from towpath_server.use_cases.tokens import Tokens
from towpath_server.wire.connectors import catalog_from, spec_from

__all__ = ["RunningServer", "start_server"]

_log = structlog.get_logger()

_UNLIMITED = -1
_OPTIONS: list[tuple[str, int]] = [
    # Catalogs and schemas of wide tables exceed the default of 4 MiB.
    ("grpc.max_receive_message_length", _UNLIMITED),
    ("grpc.max_send_message_length", _UNLIMITED),
    # Two servers on one port would share its connections by chance.
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Workers and clients ping every few seconds; the default draws `too_many_pings`.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
]
_DESCRIPTORS = (
    connectors_pb2.DESCRIPTOR,
    sources_pb2.DESCRIPTOR,
    destinations_pb2.DESCRIPTOR,
    connections_pb2.DESCRIPTOR,
    jobs_pb2.DESCRIPTOR,
    tokens_pb2.DESCRIPTOR,
    audit_pb2.DESCRIPTOR,
    worker_pb2.DESCRIPTOR,
)


@dataclass
class RunningServer:
    """A server that accepts calls at `address`."""

    address: str
    _server: aio.Server
    _health: HealthServicer
    _changes: Changes
    _caretaker: asyncio.Task[None]
    _store: SqlStore
    _observation: Observation

    @property
    def observed_at(self) -> str:
        """`host:port` of metrics and health; empty when they are not shown."""
        return self._observation.address

    async def stop(self, grace: float = 5.0) -> None:
        """Refuse new calls, end streams and waits, let other calls finish within `grace` seconds, and close all."""
        self._observation.stopping()
        await self._health.enter_graceful_shutdown()
        self._changes.stop()
        await self._server.stop(grace)
        self._caretaker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._caretaker
        await self._observation.stop()
        await self._store.close()
        _log.info("server stopped")


async def start_server(settings: Settings) -> RunningServer:
    """Bring the database up to date and serve. Raises Misconfigured when the address cannot be bound."""
    engine = open_engine(settings.database_url)
    try:
        await migrate(engine)
        store = SqlStore(engine, Sealer(settings.keys))
        resealed = await store.reseal()
        if resealed:
            _log.info("configurations sealed with the newest key", rows=resealed)
        if settings.users == ():
            await require_admin(store)
        return await _serve(settings, store)
    except BaseException:
        await engine.dispose()
        raise


async def _serve(settings: Settings, store: SqlStore) -> RunningServer:
    client = await Client.connect(
        settings.temporal_address, namespace=settings.temporal_namespace, lazy=True, interceptors=_traced()
    )
    orchestrator = TemporalOrchestrator(client, settings.task_queue)
    changes = Changes()
    tasks = ConnectorTasks(store, orchestrator, changes, settings.limits)
    connectors = Connectors(store, tasks, spec_from)
    sources = Endpoints(Role.SOURCE, store, tasks, catalog_from)
    destinations = Endpoints(Role.DESTINATION, store, tasks, catalog_from)
    schedules = Schedules(store, orchestrator)
    jobs = Jobs(store, orchestrator, changes)
    follower = Follower(store, changes)
    attempts = Attempts(store, changes, settings.lease)
    caretaker = Caretaker(store, orchestrator, jobs, schedules, changes, settings.care)

    authentication = Authentication(store, settings.users, settings.workers)
    check_rules(_method_names())
    server = aio.server(interceptors=[Guard(authentication)], options=_OPTIONS)
    connectors_pb2_grpc.add_ConnectorServiceServicer_to_server(ConnectorService(connectors), server)
    source_service = SourceService(sources, Previews(store, sources, tasks))
    sources_pb2_grpc.add_SourceServiceServicer_to_server(source_service, server)
    destinations_pb2_grpc.add_DestinationServiceServicer_to_server(DestinationService(destinations), server)
    kept = Connections(store, sources, schedules)
    connections = ConnectionService(kept, jobs, Plans(kept, destinations, tasks))
    connections_pb2_grpc.add_ConnectionServiceServicer_to_server(connections, server)
    jobs_pb2_grpc.add_JobServiceServicer_to_server(JobService(jobs, follower), server)
    runs = JobRunService(jobs, attempts, Publications(store, changes))
    worker_pb2_grpc.add_JobRunServiceServicer_to_server(runs, server)
    worker_pb2_grpc.add_TaskServiceServicer_to_server(TaskService(tasks), server)
    tokens = TokenService(Tokens(store), token_required=authentication.users_need_tokens)
    tokens_pb2_grpc.add_TokenServiceServicer_to_server(tokens, server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditService(AuditTrail(store)), server)
    health_service = await _add_health(server)
    address = _bind(server, settings)
    await server.start()
    _log.info(
        "server listening", address=address, tls=settings.tls_cert_file is not None, auth=settings.users is not None
    )
    observation = Observation(store, settings)
    try:
        observation.start()
    except BaseException:
        await server.stop(0)
        raise
    care = asyncio.create_task(caretaker.run())
    return RunningServer(address, server, health_service, changes, care, store, observation)


def _traced() -> list[Interceptor]:
    """Return what hands the trace of a call on to the workflow that it starts."""
    if not traces.are_on():
        return []
    from towpath_server.orchestration.traced import traced_client  # noqa: PLC0415 - costs a fifth of a second

    return [traced_client()]


def _method_names() -> list[str]:
    return [
        f"/{service.full_name}/{method.name}"
        for file in _DESCRIPTORS
        for service in file.services_by_name.values()
        for method in service.methods
    ]


async def _add_health(server: aio.Server) -> HealthServicer:
    names = [service.full_name for file in _DESCRIPTORS for service in file.services_by_name.values()]
    service = HealthServicer()
    generated: Any = health_pb2_grpc  # comes without types
    generated.add_HealthServicer_to_server(service, server)
    for name in ("", *names):
        await service.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection([*names, HEALTH, reflection.SERVICE_NAME], server)
    return service


def _bind(server: aio.Server, settings: Settings) -> str:
    try:
        if settings.tls_cert_file is None or settings.tls_key_file is None:
            port = server.add_insecure_port(settings.listen)
        else:
            from towpath_server.api.tls import server_credentials  # noqa: PLC0415 - X.509 takes a while to import

            credentials = server_credentials(settings.tls_cert_file, settings.tls_key_file)
            port = server.add_secure_port(settings.listen, credentials)
    except RuntimeError as error:
        raise Misconfigured(
            f"cannot listen on {settings.listen}; choose another port, or stop what listens there",
            reason="ADDRESS_IN_USE",
        ) from error
    if settings.listen.startswith("unix:"):
        return settings.listen
    return f"{settings.listen.rpartition(':')[0]}:{port}"
