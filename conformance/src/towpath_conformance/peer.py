# ruff: noqa: ASYNC109 - a timeout here is the deadline of a call, which travels to the other side
"""The judge's own client: says exactly what it is told to, and takes down exactly what comes back.

It verifies nothing and mends nothing: a message that breaks every rule arrives as it is, and it is the check's to say
which rule. Times are in seconds. Everything runs on one asyncio loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from towpath.connector.v1 import connector_pb2, destination_pb2, source_pb2
from towpath_sdk.sending import send_message

from towpath_conformance.exchange import current_exchange
from towpath_conformance.failure import Failure, failure_of
from towpath_conformance.verdicts import Failed

__all__ = ["PROTOCOL_VERSION", "Answer", "Call", "Peer", "TooSlow"]

ResponseT = TypeVar("ResponseT", bound=Message)

_CONNECTOR = "/towpath.connector.v1.ConnectorService/"
_SOURCE = "/towpath.connector.v1.SourceService/"
_DESTINATION = "/towpath.connector.v1.DestinationService/"
_HEALTH = "/grpc.health.v1.Health/"
_DEADLINE = 60.0

PROTOCOL_VERSION = connector_pb2.ProtocolVersion(major=1, minor=0)
"""What the judge speaks, and judges by."""

_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 20),
    # The time that one attempt to connect may take, in spite of its name: a busy machine needs more than a moment.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_retries", 0),
)


class TooSlow(Failed):
    """Nothing came within the time that the check allows."""


@dataclass(frozen=True)
class Answer(Generic[ResponseT]):
    """What a unary call, or one with a streamed response, ended with; `responses` came before any failure."""

    method: str
    responses: Sequence[ResponseT]
    failure: Failure | None
    seconds: float

    @property
    def ok(self) -> ResponseT:
        """The response. Fails the check when there is none."""
        if self.failure is not None:
            raise Failed(f"{self.method} failed: {self.failure}")
        if not self.responses:
            raise Failed(f"{self.method} answered nothing")
        return self.responses[0]

    @property
    def all_ok(self) -> Sequence[ResponseT]:
        """Every response of a stream that may be empty. Fails the check when the call failed."""
        if self.failure is not None:
            raise Failed(f"{self.method} failed: {self.failure}")
        return self.responses

    @property
    def refusal(self) -> Failure:
        """The failure. Fails the check when the call went well."""
        if self.failure is None:
            raise Failed(f"{self.method} went well, and should have failed")
        return self.failure


class Call:
    """A Read or Write, step by step, in serialized messages."""

    def __init__(self, call: Any, method: str, sends: type[Message], receives: type[Message]) -> None:
        self._call = call
        self._method = method
        self._sends = sends
        self._receives = receives
        self._ended: Failure | None = None
        self._at_end = False
        self._reading: asyncio.Task[Any] | None = None

    async def send(self, message: Message | bytes) -> bool:
        """Send a message, or any bytes; blocks while flow control holds it. False when the call has ended."""
        raw = message if isinstance(message, bytes) else message.SerializeToString()
        current_exchange().note("->", self._method, raw, self._sends)
        return await send_message(self._call, raw)

    async def half_close(self) -> None:
        """Say that nothing more will be sent."""
        if not self._call.done():
            current_exchange().note("->", self._method, "(half-close)")
            try:
                await self._call.done_writing()
            except (grpc.RpcError, asyncio.InvalidStateError, grpc.aio.InternalError):
                return

    async def receive(self, timeout: float = _DEADLINE) -> bytes | None:
        """Return the next message; None at the end, after which `failure` says how it ended.

        Raises TooSlow after `timeout` seconds; the next call goes on waiting for the same message.
        """
        if self._at_end:
            return None
        reading = self._reading = self._reading or asyncio.ensure_future(self._call.read())
        await asyncio.wait({reading}, timeout=timeout)
        if not reading.done():
            raise TooSlow(f"nothing came on {self._method} for {timeout:g} s")
        self._reading = None
        try:
            raw: Any = reading.result()
        except grpc.RpcError as error:
            self._end(failure_of(error))
            return None
        except asyncio.CancelledError:
            if not self._call.cancelled():
                raise
            self._end(Failure(grpc.StatusCode.CANCELLED, "cancelled by the judge"))
            return None
        if raw is grpc.aio.EOF:
            await self._ask_for_status()
            return None
        current_exchange().note("<-", self._method, raw, self._receives)
        return cast("bytes", raw)

    async def ending(self, timeout: float = _DEADLINE) -> Failure | None:
        """Read to the end, dropping messages; return how it ended, None when it went well. Raises TooSlow."""
        deadline = time.monotonic() + timeout
        while not self._at_end:
            await self.receive(max(0.0, deadline - time.monotonic()))
        return self._ended

    @property
    def failure(self) -> Failure | None:
        """How the call ended; None while it has not, or when it went well."""
        return self._ended

    @property
    def ended(self) -> bool:
        """The last message has been received."""
        return self._at_end

    def cancel(self) -> None:
        """Cancel, as a broker that goes away does."""
        current_exchange().note("->", self._method, "(cancel)")
        self._call.cancel()

    async def close(self) -> None:
        """Cancel what still runs and wait until nothing of the call is left here."""
        if not self._call.done():
            self._call.cancel()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=5)
            if self._reading.done() and not self._reading.cancelled():
                self._reading.exception()
            self._reading = None

    async def _ask_for_status(self) -> None:
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            self._end(None)
            return
        try:
            await self._call
        except grpc.RpcError as error:
            self._end(failure_of(error))
        except TypeError:
            pass
        if not self._at_end:
            error = grpc.aio.AioRpcError(
                code,
                await self._call.initial_metadata(),
                await self._call.trailing_metadata(),
                details=await self._call.details(),
            )
            self._end(failure_of(error))

    def _end(self, failure: Failure | None) -> None:
        self._at_end = True
        self._ended = failure
        current_exchange().note("<-", self._method, f"(end: {failure or 'OK'})")


@dataclass
class Peer:
    """One channel to one connector. `metadata` goes with every call but health."""

    address: str
    token: str | None = None
    metadata: Sequence[tuple[str, str]] = ()
    options: Sequence[tuple[str, Any]] = ()
    channel: grpc.aio.Channel = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Connect lazily; create on the loop that uses it."""
        self.channel = grpc.aio.insecure_channel(self.address, options=[*_OPTIONS, *self.options])
        if self.token is not None:
            self.metadata = (*self.metadata, ("authorization", f"Bearer {self.token}"))

    async def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        await self.channel.close()

    async def health(self, timeout: float = 5.0) -> Answer[health_pb2.HealthCheckResponse]:
        """Ask grpc.health.v1, without a token."""
        request = health_pb2.HealthCheckRequest()
        return await self._unary(_HEALTH + "Check", request, health_pb2.HealthCheckResponse, timeout, metadata=())

    async def handshake(
        self, request: connector_pb2.HandshakeRequest | None = None, timeout: float = 10.0
    ) -> Answer[connector_pb2.HandshakeResponse]:
        """Offer what `request` says; by default version 1.0."""
        offered = request or connector_pb2.HandshakeRequest(
            supported_versions=[PROTOCOL_VERSION], client_info="towpath-conformance"
        )
        return await self._unary(_CONNECTOR + "Handshake", offered, connector_pb2.HandshakeResponse, timeout)

    async def spec(self, timeout: float = 10.0) -> Answer[connector_pb2.SpecResponse]:
        """Ask who the connector is."""
        return await self._unary(_CONNECTOR + "Spec", connector_pb2.SpecRequest(), connector_pb2.SpecResponse, timeout)

    async def check(self, config_json: str, timeout: float = _DEADLINE) -> Answer[connector_pb2.CheckResponse]:
        """Try a configuration."""
        request = connector_pb2.CheckRequest(config_json=config_json)
        return await self._unary(_CONNECTOR + "Check", request, connector_pb2.CheckResponse, timeout)

    async def watch_check(
        self, config_json: str, timeout: float = _DEADLINE
    ) -> Answer[connector_pb2.WatchCheckResponse]:
        """Gather what is told of each probe."""
        request = connector_pb2.WatchCheckRequest(config_json=config_json)
        method = self.channel.unary_stream(
            _CONNECTOR + "WatchCheck",
            request_serializer=connector_pb2.WatchCheckRequest.SerializeToString,
            response_deserializer=connector_pb2.WatchCheckResponse.FromString,
        )
        began = time.monotonic()
        steps: list[connector_pb2.WatchCheckResponse] = []
        failure: Failure | None = None
        current_exchange().note("->", "WatchCheck", request)
        call: Any = method(request, timeout=timeout, metadata=self._metadata())
        try:
            async for step in call:
                current_exchange().note("<-", "WatchCheck", step)
                steps.append(step)
        except grpc.RpcError as error:
            failure = failure_of(error)
        finally:
            call.cancel()
        current_exchange().note("<-", "WatchCheck", f"({failure or 'OK'})")
        return Answer("WatchCheck", steps, failure, time.monotonic() - began)

    async def discover(self, config_json: str, timeout: float = _DEADLINE) -> Answer[connector_pb2.DiscoverResponse]:
        """Gather every page of the catalogue."""
        request = connector_pb2.DiscoverRequest(config_json=config_json)
        began = time.monotonic()
        pages: list[connector_pb2.DiscoverResponse] = []
        failure: Failure | None = None
        current_exchange().note("->", "Discover", request)
        async with self.discovering(config_json, timeout) as call:
            try:
                async for page in call:
                    pages.append(page)  # noqa: PERF401 those that came before a failure count
            except grpc.RpcError as error:
                failure = failure_of(error)
        streams = sum(len(page.streams) for page in pages)
        current_exchange().note("<-", "Discover", f"({len(pages)} pages, {streams} streams; {failure or 'OK'})")
        return Answer("Discover", pages, failure, time.monotonic() - began)

    @asynccontextmanager
    async def discovering(self, config_json: str, timeout: float = _DEADLINE) -> AsyncGenerator[Any]:
        """Begin a Discover: iterate over the `grpc.aio` call's pages; leaving cancels it."""
        method = self.channel.unary_stream(
            _CONNECTOR + "Discover",
            request_serializer=connector_pb2.DiscoverRequest.SerializeToString,
            response_deserializer=connector_pb2.DiscoverResponse.FromString,
        )
        call: Any = method(
            connector_pb2.DiscoverRequest(config_json=config_json), timeout=timeout, metadata=self._metadata()
        )
        try:
            yield call
        finally:
            call.cancel()

    async def plan(
        self, request: source_pb2.PlanReadRequest, timeout: float = _DEADLINE
    ) -> Answer[source_pb2.PlanReadResponse]:
        """Ask for splits."""
        return await self._unary(_SOURCE + "PlanRead", request, source_pb2.PlanReadResponse, timeout)

    async def prepare(
        self, request: destination_pb2.PrepareWriteRequest, timeout: float = _DEADLINE
    ) -> Answer[destination_pb2.PrepareWriteResponse]:
        """Plan columns and create targets."""
        return await self._unary(_DESTINATION + "PrepareWrite", request, destination_pb2.PrepareWriteResponse, timeout)

    async def complete(
        self, request: destination_pb2.CompleteWriteRequest, timeout: float = _DEADLINE
    ) -> Answer[destination_pb2.CompleteWriteResponse]:
        """Publish what receipts name."""
        return await self._unary(
            _DESTINATION + "CompleteWrite", request, destination_pb2.CompleteWriteResponse, timeout
        )

    async def abort(
        self, request: destination_pb2.AbortWriteRequest, timeout: float = _DEADLINE
    ) -> Answer[destination_pb2.AbortWriteResponse]:
        """Discard a write."""
        return await self._unary(_DESTINATION + "AbortWrite", request, destination_pb2.AbortWriteResponse, timeout)

    @asynccontextmanager
    async def read(self, timeout: float | None = None) -> AsyncGenerator[Call]:
        """Begin a Read; leaving cancels what still runs of it."""
        call = self._stream(_SOURCE + "Read", timeout, source_pb2.ReadRequest, source_pb2.ReadResponse)
        try:
            yield call
        finally:
            await call.close()

    @asynccontextmanager
    async def write(self, timeout: float | None = None) -> AsyncGenerator[Call]:
        """Begin a Write; leaving cancels what still runs of it."""
        call = self._stream(
            _DESTINATION + "Write", timeout, destination_pb2.WriteRequest, destination_pb2.WriteResponse
        )
        try:
            yield call
        finally:
            await call.close()

    def _stream(self, path: str, timeout: float | None, sends: type[Message], receives: type[Message]) -> Call:
        method = cast("Any", self.channel).stream_stream(path, request_serializer=None, response_deserializer=None)
        return Call(method(timeout=timeout, metadata=self._metadata()), path.rpartition("/")[2], sends, receives)

    async def _unary(
        self,
        path: str,
        request: Message,
        response: type[ResponseT],
        timeout: float,
        metadata: Sequence[tuple[str, str]] | None = None,
    ) -> Answer[ResponseT]:
        name = path.rpartition("/")[2]
        method = cast("Any", self.channel).unary_unary(
            path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        current_exchange().note("->", name, request)
        began = time.monotonic()
        try:
            answer: Any = await method(
                request, timeout=timeout, metadata=self._metadata() if metadata is None else metadata
            )
        except grpc.RpcError as error:
            failure = failure_of(error)
            current_exchange().note("<-", name, f"(end: {failure})")
            return Answer(name, (), failure, time.monotonic() - began)
        current_exchange().note("<-", name, answer)
        return Answer(name, (answer,), None, time.monotonic() - began)

    def _metadata(self) -> Any:
        return tuple(self.metadata)
