"""One running connector: a channel, the handshake, unary calls, and streams of raw bytes.

Batches pass as the bytes that they are: the serializers of both streams are the identity. The options of the channel
bound what gRPC keeps beyond the broker's own budget: without the bandwidth probe a stalled stream holds one window of
1 MiB, not many. The probe would also raise the size of frames, which is set instead: small ones cost CPU time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import grpc.aio
from towpath.connector.v1 import (
    connector_pb2,
    connector_pb2_grpc,
    destination_pb2,
    destination_pb2_grpc,
    source_pb2,
    types_pb2,
)
from towpath.runtime.v1 import worker_pb2
from towpath_sdk import traces
from towpath_sdk.errors import Kind, Misconfigured, Owner, TowpathError, Unavailable
from towpath_sdk.redaction import Redactor
from towpath_sdk.status import from_rpc
from towpath_sdk.traces import Span

from towpath_worker.connectors.calls import Read, Write
from towpath_worker.connectors.printed import PrintedTo
from towpath_worker.connectors.secret_values import redactor_of
from towpath_worker.failures import Located, Origin, shorten
from towpath_worker.launch import Launch, Launcher, Limits, OnSpans, Running
from towpath_worker.launch.channel import channel_to
from towpath_worker.server.job_log import JobLog
from towpath_worker.traced_calls import TracedCalls, follow
from towpath_worker.transfer.schema import display

__all__ = ["Connector", "connected"]

AnswerT = TypeVar("AnswerT")

MIB = 1024 * 1024
_MAX_MESSAGE_BYTES = 1025 * MIB

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 2 * MIB),
    ("grpc.http2.max_frame_size", MIB),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
)

_HANDSHAKE_TIMEOUT = 10.0
_SPEC_TIMEOUT = 30.0
_PREPARE_TIMEOUT = 300.0
_ENDING_TIMEOUT = 5.0

_BROKEN_PIPE = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
}
"""What a call ends with when the process at its other end does."""


@asynccontextmanager
async def connected(
    launcher: Launcher, launch: worker_pb2.ConnectorLaunch, origin: Origin, log: JobLog | None = None, job: str = ""
) -> AsyncGenerator[Connector]:
    """Launch a connector and shake hands with it; leaving stops it.

    What it prints goes to `log`; `job` is the resource name of the job that it works for. Raises Located with `origin`,
    which is "worker" while the connector's role is not yet known, whenever it cannot be started or spoken to.
    """
    redactor = redactor_of(launch.spec.config_json_schema, launch.config_json)
    traces.remember(redactor)
    printed = PrintedTo(origin, redactor, log)
    name = launch.connector if origin == "worker" else f"{origin} {launch.connector}"
    try:
        async with AsyncExitStack() as stack:
            with traces.span("launch", connector=launch.connector, role=origin, job=job):
                wanted = _launch_of(name, launch, printed, job, traces.handover(launch.connector, redactor))
                running = await stack.enter_async_context(launcher.launch(wanted))
                interceptors = [TracedCalls(connector=launch.connector)] if traces.are_on() else []
                channel = channel_to(running.address, running.certificate, _OPTIONS, interceptors)
                await stack.enter_async_context(channel)
                connector = Connector(running, channel, origin, launch, redactor, printed)
                await connector.handshake()
            yield connector
    except TowpathError as error:
        raise Located(_redacted(error, redactor), origin) from None


def _launch_of(
    name: str, launch: worker_pb2.ConnectorLaunch, printed: PrintedTo, job: str, on_spans: OnSpans | None
) -> Launch:
    asked = launch.limits
    limits = Limits(asked.memory_bytes, asked.cpu_millis, asked.max_processes, asked.temporary_bytes)
    return Launch(name, tuple(launch.command), printed.take, launch.image, job, limits, on_spans)


class Connector:
    """A connector that agreed on the protocol's version. Implements the broker's `SourceLink` and `DestinationLink`."""

    def __init__(
        self,
        running: Running,
        channel: grpc.aio.Channel,
        origin: Origin,
        launch: worker_pb2.ConnectorLaunch,
        redactor: Redactor,
        printed: PrintedTo,
    ) -> None:
        self.running = running
        self._printed = printed
        self._channel = channel
        self._origin: Origin = origin
        self._config_json = launch.config_json
        self._resource_name = launch.connector
        self._redactor = redactor
        self._metadata = (("authorization", f"Bearer {running.token}"),)
        self._silent_failure = False
        self._connector: connector_pb2_grpc.ConnectorServiceAsyncStub = connector_pb2_grpc.ConnectorServiceStub(channel)
        self._destination: destination_pb2_grpc.DestinationServiceAsyncStub = (
            destination_pb2_grpc.DestinationServiceStub(channel)
        )

    def log_to(self, log: JobLog | None) -> None:
        """Send what the connector prints from now on to another log; None keeps it for the next one."""
        self._printed.attach(log)

    async def handshake(self) -> connector_pb2.HandshakeResponse:
        """Agree on the protocol; Misconfigured when the connector speaks another major version."""
        request = connector_pb2.HandshakeRequest(
            supported_versions=[connector_pb2.ProtocolVersion(major=1, minor=0)],
            limits=connector_pb2.Limits(max_message_bytes=_MAX_MESSAGE_BYTES),
            client_info="towpath-worker",
        )
        answer = await self._unary(self._connector.Handshake, request, _HANDSHAKE_TIMEOUT)
        if answer.selected_version.major != 1:
            raise Located(
                Misconfigured(
                    f"{self.running.name} speaks version {answer.selected_version.major} of the protocol, this worker"
                    " speaks 1; update the worker, or install a version of the connector that speaks 1",
                    reason="PROTOCOL_VERSION",
                    owner=Owner.PLATFORM,
                ),
                self._origin,
            )
        return answer

    async def spec(self) -> connector_pb2.SpecResponse:
        """Return what the connector says of itself."""
        return await self._unary(self._connector.Spec, connector_pb2.SpecRequest(), _SPEC_TIMEOUT)

    async def check(
        self, seconds: float, tell: Callable[[Sequence[connector_pb2.CheckResult], str], None]
    ) -> connector_pb2.CheckResponse:
        """Try the configuration out, for at most `seconds`; failed probes are in the answer.

        `tell` hears all probes that have ended and the name of the one that runs, whenever that changes; never of a
        connector that does not serve WatchCheck.
        """
        answer = connector_pb2.CheckResponse()
        started = time.monotonic()
        span = self._begin("ConnectorService/WatchCheck")
        request = connector_pb2.WatchCheckRequest(config_json=self._config_json)
        call = self._connector.WatchCheck(request, timeout=seconds, metadata=self._metadata + span.metadata)
        follow(call, span)
        try:
            async for step in call:
                if step.HasField("ended"):
                    answer.results.append(step.ended)
                tell(answer.results, step.begun)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise await self._explained(self.failure(error), started, seconds) from None
        else:
            return answer
        return await self._unary(
            self._connector.Check, connector_pb2.CheckRequest(config_json=self._config_json), seconds
        )

    async def discover(self, seconds: float) -> connector_pb2.DiscoverResponse:
        """Return the whole catalogue, within `seconds`."""
        catalog = connector_pb2.DiscoverResponse()
        request = connector_pb2.DiscoverRequest(config_json=self._config_json)
        span = self._begin("ConnectorService/Discover")
        call = self._connector.Discover(request, timeout=seconds, metadata=self._metadata + span.metadata)
        follow(call, span)
        try:
            async for page in call:
                catalog.streams.extend(page.streams)
        except grpc.aio.AioRpcError as error:
            failure = self.failure(error)
            raise (await self.lost() or failure) from None
        return catalog

    def read(self, stream: source_pb2.ReadStream, attempt: int) -> Read:
        """Open a Read for one stream."""
        request = source_pb2.ReadOpen(config_json=self._config_json, streams=[stream], attempt=attempt)
        span = self._begin("SourceService/Read", stream.name)
        return Read(self._channel, self._metadata, request, self.failure, span)

    def write(self, request: destination_pb2.WriteOpen) -> Write:
        """Open a Write."""
        request.config_json = self._config_json
        span = self._begin("DestinationService/Write", *(stream.name for stream in request.streams))
        return Write(self._channel, self._metadata, request, self.failure, span)

    async def prepare(
        self, write_id: str, stream: destination_pb2.WriteStream, schema: types_pb2.SchemaAnnounce
    ) -> Sequence[destination_pb2.ColumnPlan]:
        """Call PrepareWrite for one stream."""
        request = destination_pb2.PrepareWriteRequest(
            config_json=self._config_json, write_id=write_id, streams=[stream], schemas=[schema]
        )
        answer = await self._unary(self._destination.PrepareWrite, request, _PREPARE_TIMEOUT)
        return answer.columns

    async def foresee(
        self, write_id: str, stream: destination_pb2.WriteStream, schema: types_pb2.SchemaAnnounce
    ) -> destination_pb2.PrepareWriteResponse:
        """Call PrepareWrite for one stream, and change nothing."""
        request = destination_pb2.PrepareWriteRequest(
            config_json=self._config_json, write_id=write_id, streams=[stream], schemas=[schema], dry_run=True
        )
        return await self._unary(self._destination.PrepareWrite, request, _PREPARE_TIMEOUT)

    async def complete(
        self, write_id: str, receipts: Sequence[bytes], completed: Sequence[destination_pb2.WriteStream]
    ) -> None:
        """Publish; has no deadline, because a publication may be long and repeats what was begun."""
        request = destination_pb2.CompleteWriteRequest(
            config_json=self._config_json, write_id=write_id, receipts=receipts, completed_streams=completed
        )
        await self._unary(self._destination.CompleteWrite, request, None)

    async def abort(self, write_id: str) -> None:
        """Discard everything that was staged."""
        request = destination_pb2.AbortWriteRequest(config_json=self._config_json, write_id=write_id)
        await self._unary(self._destination.AbortWrite, request, None)

    async def lost(self) -> Located | None:
        """Say how the process ended, after a call failed without a word of the connector's own; None when it lives.

        Waits some seconds for that: a container is gone before its engine says so.
        """
        if not self._silent_failure:
            return None
        try:
            async with asyncio.timeout(_ENDING_TIMEOUT):
                ending = await self.running.ended()
        except TimeoutError:
            return None
        message = self._redactor.redact(f"{self.running.name} {ending}{ending.last_words}")
        reason = ending.reason or "CONNECTOR_DIED"
        return Located(Unavailable(shorten(message), reason=reason, owner=Owner.CONNECTOR), self._origin)

    def failure(self, error: grpc.aio.AioRpcError) -> Located:
        """Translate what a call raised, without secrets."""
        spoke = any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata() or ())
        self._silent_failure = self._silent_failure or (error.code() in _BROKEN_PIPE and not spoke)
        failure = from_rpc(error)
        if failure.kind is Kind.CANCELLED:
            # Nobody asked the connector to stop, so this is no cancel of the job.
            message = f"{self.running.name} cancelled the call: {failure.message}"
            failure = Unavailable(message, reason="CONNECTOR_CANCELLED", owner=Owner.CONNECTOR)
        return Located(_redacted(failure, self._redactor), self._origin)

    def _begin(self, method: str, *streams: types_pb2.StreamName) -> Span:
        """Begin the span of a streaming call."""
        return traces.begin(
            f"/towpath.connector.v1.{method}",
            "client",
            connector=self._resource_name,
            stream=", ".join(map(display, streams)),
        )

    async def _unary(
        self, method: Callable[..., Awaitable[AnswerT]], request: object, seconds: float | None
    ) -> AnswerT:
        started = time.monotonic()
        try:
            return await method(request, timeout=seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            failure = self.failure(error)
        raise await self._explained(failure, started, seconds)

    async def _explained(self, failure: Located, started: float, seconds: float | None) -> Located:
        """Return why a call failed that began at `started` and had so many seconds: what is behind `failure`."""
        if lost := await self.lost():
            return lost
        if seconds is not None and time.monotonic() - started >= seconds:
            message = f"{self.running.name} did not answer within {seconds:g} s; see its lines in the log"
            return Located(Unavailable(message, reason="CONNECTOR_TIMEOUT", owner=Owner.CONNECTOR), self._origin)
        return failure


def _redacted(error: TowpathError, redactor: Redactor) -> TowpathError:
    error.message = redactor.redact(error.message)
    error.fields = {redactor.redact(path): redactor.redact(problem) for path, problem in error.fields.items()}
    error.args = (error.message,)
    return error
