"""The channel to the server: token, TLS, deadlines, and gRPC errors turned into the error tree. All calls pass here."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import NoReturn, Self, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from towpath_sdk.errors import NotFound, TowpathError, Unavailable
from towpath_sdk.status import from_rpc

from towpath_cli.client.nearby import Missing, names_in
from towpath_cli.target import Target

__all__ = ["SECONDS", "SERVER_UNREACHABLE", "Wire"]

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response")

SECONDS = 30.0
"""Deadline of an ordinary call."""

SERVER_UNREACHABLE = "SERVER_UNREACHABLE"
"""Reason of the Unavailable that means: there is no server to talk to."""

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # The time that one attempt to connect may take, in spite of its name: a far or busy one needs more than a moment.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # The server of this machine is on loopback; a proxy from the environment must not get in between.
    ("grpc.enable_http_proxy", 0),
)


class Wire:
    """One gRPC channel; a context manager that closes it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.channel = _open_channel(target)
        self._metadata = (("authorization", f"Bearer {target.token}"),) if target.token else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel; calls under way end."""
        self.channel.close()

    def call(
        self, method: grpc.UnaryUnaryMultiCallable[Request, Response], request: Request, seconds: float = SECONDS
    ) -> Response:
        """Make one call. Raises the TowpathError that the server meant, or Unavailable when there is no server."""
        try:
            return method(request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            self._translate(error, request)

    def stream(
        self, method: grpc.UnaryStreamMultiCallable[Request, Response], request: Request, seconds: float | None = None
    ) -> Iterator[Response]:
        """Make a call that answers with a stream, and cancel it when the caller stops early. Errors as of `call`."""
        call = method(request, timeout=seconds, metadata=self._metadata)
        try:
            yield from call
        except grpc.RpcError as error:
            self._translate(error, request)
        finally:
            call.cancel()

    def healthy(self, seconds: float = 2.0) -> bool:
        """Whether the server says that it serves."""
        # The generated stub of grpcio-health-checking has no types; this is the method that it would call.
        check: grpc.UnaryUnaryMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse] = (
            self.channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
        )
        try:
            answer = self.call(check, health_pb2.HealthCheckRequest(), seconds)
        except TowpathError:
            return False
        return answer.status == health_pb2.HealthCheckResponse.SERVING

    def _translate(self, error: grpc.RpcError, request: Message) -> NoReturn:
        if isinstance(error, grpc.Call) and error.code() == grpc.StatusCode.UNAVAILABLE and not _has_details(error):
            address, found_in = self.target.address, self.target.found_in
            raise Unavailable(f"no server answers at {address} (from {found_in})", reason=SERVER_UNREACHABLE) from error
        translated = from_rpc(error)
        if isinstance(translated, NotFound):
            translated = Missing(translated, names_in(request))
        raise translated from error


def _has_details(error: grpc.Call) -> bool:
    """Whether the server itself spoke: its statuses carry details, those of a broken connection do not."""
    return any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata() or ())


def _open_channel(target: Target) -> grpc.Channel:
    if target.tls:
        return grpc.secure_channel(target.address, grpc.ssl_channel_credentials(target.ca), options=_OPTIONS)
    return grpc.insecure_channel(target.address, options=_OPTIONS)
