"""The gRPC server of one connector: built from settings, started, drained, stopped. All of it on one asyncio loop."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_reflection.v1alpha import reflection
from towpath.connector.v1 import connector_pb2, destination_pb2, source_pb2

from towpath_sdk import traces
from towpath_sdk._serve.access import BearerToken
from towpath_sdk._serve.author_thread import AuthorThreads
from towpath_sdk._serve.calls import Calls
from towpath_sdk._serve.connector_service import ConnectorService
from towpath_sdk._serve.destination_service import DestinationService
from towpath_sdk._serve.door import Door
from towpath_sdk._serve.identity import Connector
from towpath_sdk._serve.settings import Settings
from towpath_sdk._serve.source_service import SourceService
from towpath_sdk._serve.tracing import Traced
from towpath_sdk.errors import Misconfigured
from towpath_sdk.redaction import KnownSecrets

__all__ = ["ConnectorServer"]

_log = logging.getLogger("towpath_sdk")

_PARTING_SECONDS = 0.5
"""For those who watch the health of a connector that has nothing left to do."""

_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Brokers ping to notice a dead peer; the default of 300 s between pings would answer with too_many_pings.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
    # Otherwise gRPC takes up to 25 MB from each sender ahead of the inbox, which is what bounds memory. Without the
    # probe window and frames would stay at 64 and 16 KiB: what stands here saves a tenth of the CPU time of a transfer.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 2 * 1024 * 1024),
    ("grpc.http2.max_frame_size", 1024 * 1024),
]


class ConnectorServer:
    """Serves one connector."""

    def __init__(self, connector: Connector, settings: Settings, secrets: KnownSecrets | None = None) -> None:
        """Create on the loop that will serve. Raises nothing; `start` does."""
        self._settings = settings
        self._threads = AuthorThreads(settings.max_calls)
        calls = Calls(connector, self._threads, settings.batch_bytes, secrets or KnownSecrets())
        self._door = Door()
        interceptors: list[grpc.aio.ServerInterceptor] = []
        if settings.token is not None:
            interceptors.append(BearerToken(settings.token))
        if traces.are_on():
            interceptors.append(Traced())
        interceptors.append(self._door)
        self._server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
        self._health = HealthServicer()
        self._names = _register(self._server, calls, self._health)
        self.address = settings.listen
        """Where it listens; after `start` with the port that was chosen for port 0."""

    async def start(self) -> None:
        """Listen. Raises Misconfigured when the address cannot be used."""
        self._bind()
        await self._server.start()
        if self._settings.socket_path is not None:
            _restrict(self._settings.socket_path)
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        _log.info("listening", extra={"address": self.address})

    async def drain(self) -> None:
        """Accept nothing new, let each read come to its next safe point; stop after `drain_seconds` at the latest."""
        _log.info("draining", extra={"calls": self._threads.alive, "seconds": self._settings.drain_seconds})
        await self._health.enter_graceful_shutdown()
        self._door.close()
        self._threads.drain()
        emptied = await self._door.emptied(self._settings.drain_seconds)
        await self.stop(_PARTING_SECONDS if emptied else 0)

    async def stop(self, grace_seconds: float) -> None:
        """Stop: calls have `grace_seconds` to end, then they are cancelled."""
        await self._server.stop(grace_seconds)
        self._threads.cancel()
        if self._settings.socket_path is not None:
            _remove(self._settings.socket_path)

    async def wait_stopped(self) -> None:
        """Wait until `drain` or `stop` has ended."""
        await self._server.wait_for_termination()

    async def threads_ended(self, timeout_seconds: float) -> bool:
        """Wait for the author's threads to end; False when they did not in time."""
        return await self._threads.ended(timeout_seconds)

    @property
    def running_threads(self) -> int:
        """Threads of the author's that have not ended."""
        return self._threads.alive

    def _bind(self) -> None:
        settings = self._settings
        address = f"unix:{settings.socket_path}" if settings.socket_path is not None else settings.listen
        try:
            if settings.tls_key is not None and settings.tls_certificate is not None:
                credentials = grpc.ssl_server_credentials([(settings.tls_key, settings.tls_certificate)])
                port = self._server.add_secure_port(address, credentials)
            else:
                port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise Misconfigured(f"TOWPATH_LISTEN: cannot listen on {settings.listen}: {error}") from error
        if settings.socket_path is None:
            self.address = f"{settings.listen.rpartition(':')[0]}:{port}"


def _restrict(socket_path: str) -> None:
    Path(socket_path).chmod(0o700)


def _remove(socket_path: str) -> None:
    Path(socket_path).unlink(missing_ok=True)


def _register(server: grpc.aio.Server, calls: Calls, health_servicer: HealthServicer) -> list[str]:
    """Add all services and return the names of the connector's own."""
    server.add_generic_rpc_handlers((ConnectorService(calls).handler(),))
    names = [connector_pb2.DESCRIPTOR.services_by_name["ConnectorService"].full_name]
    if calls.connector.source is not None:
        server.add_generic_rpc_handlers((SourceService(calls).handler(),))
        names.append(source_pb2.DESCRIPTOR.services_by_name["SourceService"].full_name)
    if calls.connector.destination is not None:
        server.add_generic_rpc_handlers((DestinationService(calls).handler(),))
        names.append(destination_pb2.DESCRIPTOR.services_by_name["DestinationService"].full_name)
    cast("Any", health_pb2_grpc).add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((*names, HEALTH, reflection.SERVICE_NAME), server)
    return names
