"""The channel to the server: address, TLS, token, and repetition while the server is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio
from towpath.runtime.v1 import worker_pb2_grpc
from towpath_sdk.errors import Kind, Misconfigured, TowpathError, Unavailable
from towpath_sdk.status import from_rpc

from towpath_worker.failures import Located
from towpath_worker.settings import WorkerSettings

__all__ = ["SERVER_UNAVAILABLE", "ServerChannel", "for_seconds"]

AnswerT = TypeVar("AnswerT")

SERVER_UNAVAILABLE = "SERVER_UNAVAILABLE"
"""Reason of the Unavailable that means: the server stayed away for longer than the caller's patience."""

_CALL_TIMEOUT = 5.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0

_OPTIONS = (
    # A server that restarts is back within a second; gRPC's own backoff would grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class ServerChannel:
    """Calls of towpath.runtime.v1. `runs` and `tasks` are the stubs for `call`."""

    def __init__(self, channel: grpc.aio.Channel, token: str | None, address: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self.address = address
        self.runs: worker_pb2_grpc.JobRunServiceAsyncStub = worker_pb2_grpc.JobRunServiceStub(channel)
        self.tasks: worker_pb2_grpc.TaskServiceAsyncStub = worker_pb2_grpc.TaskServiceStub(channel)

    @classmethod
    def open(cls, settings: WorkerSettings) -> ServerChannel:
        """Open the channel; nothing is sent yet. Misconfigured when the token or the certificate cannot be read."""
        token = _read(settings.token_file).decode().strip() if settings.token_file else None
        if settings.tls:
            authority = _read(settings.tls_ca_file) if settings.tls_ca_file else None
            channel = grpc.aio.secure_channel(
                settings.server, grpc.ssl_channel_credentials(authority), options=_OPTIONS
            )
        else:
            channel = grpc.aio.insecure_channel(settings.server, options=_OPTIONS)
        return cls(channel, token, settings.server)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def call(
        self,
        method: Callable[..., Awaitable[AnswerT]],
        request: object,
        *,
        patience: Callable[[], float],
    ) -> AnswerT:
        """Call the server, again and again while it is away and `patience` (seconds left) is above zero.

        Every call of towpath.runtime.v1 may be repeated. Raises Located with the origin "server".
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                timeout = max(0.1, min(_CALL_TIMEOUT, patience()))
                return await method(request, timeout=timeout, metadata=self._metadata)
            except grpc.aio.AioRpcError as error:
                failure = from_rpc(error)
                if failure.kind is not Kind.UNAVAILABLE:
                    raise Located(failure, "server") from error
                if patience() <= pause:
                    raise Located(self._away(failure), "server") from error
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _away(self, failure: TowpathError) -> Unavailable:
        return Unavailable(
            f"the Towpath server at {self.address} does not answer: {failure.message}",
            reason=SERVER_UNAVAILABLE,
        )


def for_seconds(seconds: float) -> Callable[[], float]:
    """Return a patience that ends so many seconds from now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}") from error
