"""A connector in this process, behind a real socket."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from towpath_sdk._serve.identity import connector_of
from towpath_sdk._serve.server import ConnectorServer
from towpath_sdk._serve.settings import Settings
from towpath_sdk.client import ConnectorClient
from towpath_sdk.destination import Destination
from towpath_sdk.source import Source
from towpath_sdk.testing.calls import ConnectorCalls
from towpath_sdk.testing.loop_thread import LoopThread

__all__ = ["ConnectorUnderTest", "connector_under_test"]


class ConnectorUnderTest(ConnectorCalls):
    """A connector that runs in this process."""

    def __init__(self, loop: LoopThread, server: ConnectorServer, client: ConnectorClient, timeout: float) -> None:
        super().__init__(loop, client, timeout)
        self._server = server

    @property
    def address(self) -> str:
        """Where the connector listens."""
        return self._server.address

    @property
    def running_threads(self) -> int:
        """Threads of the author's code that have not ended."""
        return self._server.running_threads

    def drain(self) -> None:
        """Drain the server as SIGTERM does; returns when it has stopped."""
        self._loop.run(self._server.drain(), self._timeout)


@contextmanager
def connector_under_test(
    *connector: Source[Any] | Destination[Any],
    token: str | None = None,
    batch_bytes: int = 4 * 1024 * 1024,
    timeout: float = 60,
) -> Generator[ConnectorUnderTest]:
    """Serve a connector on a Unix socket for the time of the `with` block.

    `timeout` bounds each call, in seconds. `batch_bytes` is what `context.batch_bytes` says.
    """
    loop = LoopThread()
    with tempfile.TemporaryDirectory(prefix="towpath-", ignore_cleanup_errors=True) as folder:
        settings = Settings(
            listen=f"unix:{Path(folder) / 'connector.sock'}", token=token, batch_bytes=batch_bytes, drain_seconds=5
        )
        try:
            server = loop.run(_started(connector, settings), timeout)
            try:
                client = loop.run(_connected(settings, timeout), timeout)
                try:
                    yield ConnectorUnderTest(loop, server, client, timeout)
                finally:
                    loop.run(client.close(), timeout)
            finally:
                loop.run(server.stop(0), timeout)
        finally:
            loop.close()


async def _started(connector: Sequence[Source[Any] | Destination[Any]], settings: Settings) -> ConnectorServer:
    server = ConnectorServer(connector_of(*connector), settings)
    await server.start()
    return server


async def _connected(settings: Settings, seconds: float) -> ConnectorClient:
    client = ConnectorClient(settings.listen, token=settings.token)
    await client.wait_ready(seconds)
    return client
