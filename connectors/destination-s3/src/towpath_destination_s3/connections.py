"""The connections of one client, so that another thread can cut them.

A store that takes a request and never answers blocks its thread for a minute, several times over, and neither Python
nor botocore can wake it. Closing the socket under it does. botocore tells nobody its sockets: the pools that it makes
are replaced by ones that note each connection.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool
from towpath_sdk.errors import Cancelled

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Connections"]


class Connections:
    """Notes what a client opens from now on; safe to use from several threads."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._noted = WeakSet[Any]()
        self._is_cut = False
        # One dictionary, shared by the manager of direct connections and by those of proxies.
        pools: dict[str, Any] = cast("Any", client)._endpoint.http_session._pool_classes_by_scheme  # noqa: SLF001
        pools["http"] = self._pool_of(_HTTPPool)
        pools["https"] = self._pool_of(_HTTPSPool)
        cast("Any", client.meta.events).register_first("before-send.s3", self._refuse_if_cut)

    def close(self) -> None:
        """Close what is idle."""
        self._client.close()

    def cut(self) -> None:
        """End every request that is on its way, and refuse those that come: they raise Cancelled at once."""
        with self._lock:
            self._is_cut = True
            noted = list(self._noted)
        for connection in noted:
            if (open_socket := connection.sock) is not None:
                with contextlib.suppress(OSError):
                    # Not the method of a TLS socket, which takes its state away from the thread that reads.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def note(self, connection: Any) -> None:
        """Remember a connection while it lives."""
        with self._lock:
            self._noted.add(connection)

    def _pool_of(self, kind: type[_HTTPPool | _HTTPSPool]) -> Any:
        def made(host: str, port: int, **options: Any) -> Any:
            pool = kind(host, port, **options)
            pool.connections = self
            return pool

        return made

    def _refuse_if_cut(self, **_: object) -> None:
        if self._is_cut:
            raise Cancelled("the write was cancelled, and its connections are cut")


class _Noting:
    connections: Connections

    def _new_conn(self) -> Any:
        connection = cast("Any", super())._new_conn()  # noqa: SLF001 urllib3 means it to be overridden
        self.connections.note(connection)
        return connection


class _HTTPPool(_Noting, AWSHTTPConnectionPool): ...


class _HTTPSPool(_Noting, AWSHTTPSConnectionPool): ...
