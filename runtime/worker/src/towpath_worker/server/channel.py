"""The channel to the server: address, TLS, token, and repetition while the server is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio
import structlog
from towpath.runtime.v1 import worker_pb2, worker_pb2_grpc
from towpath_sdk import traces
from towpath_sdk.errors import Kind, Misconfigured, TowpathError, Unavailable
from towpath_sdk.status import from_rpc

from towpath_worker.failures import Located
from towpath_worker.settings import WorkerSettings
from towpath_worker.traced_calls import TracedCalls

__all__ = ["NOT_HELD", "SERVER_UNAVAILABLE", "ServerChannel", "for_seconds"]

_log = structlog.get_logger(__name__)

AnswerT = TypeVar("AnswerT")

SERVER_UNAVAILABLE = "SERVER_UNAVAILABLE"
"""Reason of the Unavailable that means: the server stayed away for longer than the caller's patience."""

NOT_HELD = "NOT_HELD"
"""Reason of the failure that means: the attempt was begun with another token, and only a new one can go on."""

_CALL_TIMEOUT = 5.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0

_OPTIONS = (
    # A server that restarts is back within a second; gRPC's own backoff would grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # The time that one attempt to connect may take, in spite of its name: a far or busy one needs more than a moment.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class ServerChannel:
    """Calls of towpath.runtime.v1. `runs` and `tasks` are the stubs for `call`.

    `refused` is set when the server does not take this worker's token: it should not ask for work until it is admitted.
    """

    def __init__(self, channel: grpc.aio.Channel, token_file: Path | None, address: str) -> None:
        self._channel = channel
        self._token_file = token_file
        self._metadata = _authorization(token_file)
        self.address = address
        self.refused = asyncio.Event()
        self.runs: worker_pb2_grpc.JobRunServiceAsyncStub = worker_pb2_grpc.JobRunServiceStub(channel)
        self.tasks: worker_pb2_grpc.TaskServiceAsyncStub = worker_pb2_grpc.TaskServiceStub(channel)

    @classmethod
    def open(cls, settings: WorkerSettings) -> ServerChannel:
        """Open the channel; nothing is sent yet. Misconfigured when the token or the certificate cannot be read."""
        interceptors = [TracedCalls()] if traces.are_on() else []
        if settings.tls:
            authority = _read(settings.tls_ca_file) if settings.tls_ca_file else None
            channel = grpc.aio.secure_channel(
                settings.server,
                grpc.ssl_channel_credentials(authority),
                options=_OPTIONS,
                interceptors=interceptors,
            )
        else:
            channel = grpc.aio.insecure_channel(settings.server, options=_OPTIONS, interceptors=interceptors)
        return cls(channel, settings.token_file, settings.server)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def call(
        self,
        method: Callable[..., Awaitable[AnswerT]],
        request: object,
        *,
        patience: Callable[[], float],
        again: bool = True,
    ) -> AnswerT:
        """Call the server, again and again while it is away and `patience` (seconds left) is above zero; or just once.

        Every call of towpath.runtime.v1 may be repeated. Raises Located with the origin "server".

        A token that the server does not take is read anew from its file. If that does not help, the failure is
        Unavailable, not Denied: it is this worker's alone, and the next attempt, here or elsewhere, may go on.
        """
        pause = _FIRST_PAUSE
        while True:
            sent = self._metadata
            try:
                timeout = max(0.1, min(_CALL_TIMEOUT, patience()))
                return await method(request, timeout=timeout, metadata=sent)
            except grpc.aio.AioRpcError as error:
                failure = from_rpc(error)
                if failure.kind is Kind.DENIED:
                    if error.code() is grpc.StatusCode.UNAUTHENTICATED and self._read_token_again() != sent:
                        continue
                    if failure.reason != NOT_HELD:
                        self.refused.set()
                    raise Located(self._refused(failure), "server") from error
                if failure.kind is not Kind.UNAVAILABLE:
                    raise Located(failure, "server") from error
                if not again or patience() <= pause:
                    raise Located(self._away(failure), "server") from error
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _read_token_again(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata to send from now on; as before when the file is not there, or somebody is writing it."""
        try:
            self._metadata = _authorization(self._token_file) or self._metadata
        except Misconfigured as error:
            _log.warning("the token file cannot be read again", error=error.message)
        return self._metadata

    async def admitted(self) -> TowpathError | None:
        """Ask the server whether it takes this worker's token; None when it does, or is away."""
        self.refused.clear()
        try:
            # There is no such task: a caller who may ask is told so.
            nothing = worker_pb2.GetTaskRequest(task_id="none")
            await self.call(self.tasks.GetTask, nothing, patience=lambda: _CALL_TIMEOUT, again=False)
        except Located as failure:
            return failure.error if self.refused.is_set() else None
        return None

    def _refused(self, failure: TowpathError) -> Unavailable:
        if failure.reason == NOT_HELD:
            return Unavailable(
                f"this worker goes by another token than when it began: {failure.message}", reason=NOT_HELD
            )
        return Unavailable(
            f"the Towpath server at {self.address} does not take this worker's token: {failure.message}; put a "
            "good one into TOWPATH_WORKER_TOKEN_FILE, which is read again by itself",
            reason="WORKER_REFUSED",
        )

    def _away(self, failure: TowpathError) -> Unavailable:
        return Unavailable(
            f"the Towpath server at {self.address} does not answer: {failure.message}",
            reason=SERVER_UNAVAILABLE,
        )


def for_seconds(seconds: float) -> Callable[[], float]:
    """Return a patience that ends so many seconds from now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def _authorization(token_file: Path | None) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries the token in a file; none without a file."""
    token = _read(token_file).decode().strip() if token_file else ""
    return (("authorization", f"Bearer {token}"),) if token else ()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}") from error
