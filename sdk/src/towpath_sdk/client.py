# ruff: noqa: ASYNC109 - a timeout here is the deadline of a call, which travels to the other side
"""The other side of the wire: an asyncio client of one connector, as the broker uses it.

Unary calls take and return values of Python. `read` and `write` are raw: what is sent and received are serialized
messages (see `towpath_sdk.framing`), so that a broker forwards batches without parsing them. Every failure is a
`TowpathError`, except in the raw calls, where it is a `grpc.RpcError` for `towpath_sdk.status.raise_from_rpc`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import grpc
import pyarrow as pa
from grpc_health.v1 import health_pb2, health_pb2_grpc
from towpath.connector.v1 import (
    connector_pb2,
    connector_pb2_grpc,
    destination_pb2,
    destination_pb2_grpc,
    source_pb2,
    source_pb2_grpc,
    types_pb2,
)

from towpath_sdk._wire.catalogs import (
    column_plan_from_wire,
    read_stream_to_wire,
    split_from_wire,
    stream_from_wire,
    write_stream_to_wire,
)
from towpath_sdk._wire.schemas import encode_schema
from towpath_sdk.catalog import ReadStream, Split, Stream, WriteStream
from towpath_sdk.destination import ColumnPlan
from towpath_sdk.errors import TowpathError, Unavailable
from towpath_sdk.status import from_rpc, from_status

__all__ = ["CHANNEL_OPTIONS", "ConnectorClient", "ProbeResult", "RawCall"]

T = TypeVar("T")
RawCall = grpc.aio.StreamStreamCall[bytes, bytes]

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
    # A connector that was just started may not listen yet: try again soon, not after the default of up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    # The time that one attempt to connect may take, in spite of its name: a far or busy one needs more than a moment.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
"""No limit on messages: the limits are those that the handshake agreed on."""

_READ = "/towpath.connector.v1.SourceService/Read"
_WRITE = "/towpath.connector.v1.DestinationService/Write"


@dataclass(frozen=True)
class ProbeResult:
    """Outcome of one probe of a check; `failure` is None when it passed."""

    probe: str
    failure: TowpathError | None


class ConnectorClient:
    """One channel to one connector process. `timeout` is in seconds; None waits without end."""

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        root_certificates: bytes | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Connect to `unix:/path` or `host:port`, lazily; with TLS when `root_certificates` (PEM) are given.

        Create and use on one loop.
        """
        all_options = [*CHANNEL_OPTIONS, *options]
        if root_certificates is not None:
            credentials = grpc.ssl_channel_credentials(root_certificates)
            self.channel = grpc.aio.secure_channel(address, credentials, options=all_options)
        else:
            self.channel = grpc.aio.insecure_channel(address, options=all_options)
        self._metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {token}"),) if token else ()
        self._connector = connector_pb2_grpc.ConnectorServiceStub(self.channel)
        self._source = source_pb2_grpc.SourceServiceStub(self.channel)
        self._destination = destination_pb2_grpc.DestinationServiceStub(self.channel)
        self._health = cast("Any", health_pb2_grpc).HealthStub(self.channel)
        self._read: Any = self.channel.stream_stream(_READ, request_serializer=None, response_deserializer=None)
        self._write: Any = self.channel.stream_stream(_WRITE, request_serializer=None, response_deserializer=None)

    async def __aenter__(self) -> Self:
        """Use as a context that closes the channel."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the channel."""
        await self.close()

    async def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        await self.channel.close()

    async def wait_ready(self, timeout: float) -> None:
        """Wait until the connector is healthy. Raises Unavailable (NOT_READY) after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        last = "it does not answer"
        while (left := deadline - loop.time()) > 0:
            try:
                answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                last = "it is not serving"
            except grpc.RpcError as error:
                last = from_rpc(error).message
            await asyncio.sleep(min(0.05, max(0.0, deadline - loop.time())))
        raise Unavailable(f"the connector was not ready within {timeout:g} s: {last}", reason="NOT_READY")

    async def handshake(
        self,
        *,
        limits: connector_pb2.Limits | None = None,
        features: Sequence[str] = (),
        client_info: str = "",
        timeout: float | None = 10,
    ) -> connector_pb2.HandshakeResponse:
        """Agree on version 1.0, features and limits."""
        request = connector_pb2.HandshakeRequest(
            supported_versions=[connector_pb2.ProtocolVersion(major=1, minor=0)],
            features=features,
            limits=limits,
            client_info=client_info,
        )
        return await self._call(self._connector.Handshake(request, timeout=timeout, metadata=self._metadata))

    async def spec(self, *, timeout: float | None = 10) -> connector_pb2.SpecResponse:
        """Ask who the connector is."""
        request = connector_pb2.SpecRequest()
        return await self._call(self._connector.Spec(request, timeout=timeout, metadata=self._metadata))

    async def check(self, config_json: str, *, timeout: float | None = 60) -> list[ProbeResult]:
        """Try a configuration. Raises Misconfigured when it does not match the schema."""
        request = connector_pb2.CheckRequest(config_json=config_json)
        response = await self._call(self._connector.Check(request, timeout=timeout, metadata=self._metadata))
        return [
            ProbeResult(result.probe, from_status(result.status) if result.status.code else None)
            for result in response.results
        ]

    async def discover(self, config_json: str, *, timeout: float | None = None) -> AsyncIterator[list[Stream]]:
        """Iterate over the pages of the catalogue."""
        async for page in self.discover_pages(config_json, timeout=timeout):
            yield [stream_from_wire(descriptor) for descriptor in page.streams]

    async def discover_pages(
        self, config_json: str, *, timeout: float | None = None
    ) -> AsyncIterator[connector_pb2.DiscoverResponse]:
        """Iterate over the pages of the catalogue as messages."""
        request = connector_pb2.DiscoverRequest(config_json=config_json)
        call = self._connector.Discover(request, timeout=timeout, metadata=self._metadata)
        try:
            async for page in call:
                yield page
        except grpc.RpcError as error:
            raise from_rpc(error) from error
        finally:
            call.cancel()

    async def plan(
        self,
        config_json: str,
        streams: Sequence[ReadStream],
        *,
        target_splits: int = 1,
        states: Mapping[int, bytes] | None = None,
        timeout: float | None = None,
    ) -> list[Split]:
        """Divide a read into splits. `states` are encoded states by index of the stream."""
        wire_streams = [read_stream_to_wire(stream, (states or {}).get(i, b"")) for i, stream in enumerate(streams)]
        request = source_pb2.PlanReadRequest(config_json=config_json, streams=wire_streams, target_splits=target_splits)
        response = await self._call(self._source.PlanRead(request, timeout=timeout, metadata=self._metadata))
        return [split_from_wire(split) for split in response.splits]

    async def prepare(
        self,
        config_json: str,
        write_id: str,
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema | bytes],
        *,
        primary_keys: Sequence[Sequence[str]] = (),
        dry_run: bool = False,
        timeout: float | None = None,
    ) -> list[ColumnPlan]:
        """Plan and create what has to exist. `schemas` pairs `streams`, as Arrow schemas or encoded."""
        announced = [
            types_pb2.SchemaAnnounce(
                stream=index,
                schema_id=index + 1,
                ipc_schema=schema if isinstance(schema, bytes) else encode_schema(schema),
                primary_key=primary_keys[index] if primary_keys else (),
            )
            for index, schema in enumerate(schemas)
        ]
        request = destination_pb2.PrepareWriteRequest(
            config_json=config_json,
            write_id=write_id,
            streams=map(write_stream_to_wire, streams),
            schemas=announced,
            dry_run=dry_run,
        )
        response = await self._call(self._destination.PrepareWrite(request, timeout=timeout, metadata=self._metadata))
        return [column_plan_from_wire(plan) for plan in response.columns]

    async def complete(
        self,
        config_json: str,
        write_id: str,
        receipts: Sequence[bytes],
        completed_streams: Sequence[WriteStream],
        *,
        timeout: float | None = None,
    ) -> None:
        """Publish exactly what the receipts name."""
        request = destination_pb2.CompleteWriteRequest(
            config_json=config_json,
            write_id=write_id,
            receipts=receipts,
            completed_streams=map(write_stream_to_wire, completed_streams),
        )
        await self._call(self._destination.CompleteWrite(request, timeout=timeout, metadata=self._metadata))

    async def abort(self, config_json: str, write_id: str, *, timeout: float | None = None) -> None:
        """Discard everything that a write staged."""
        request = destination_pb2.AbortWriteRequest(config_json=config_json, write_id=write_id)
        await self._call(self._destination.AbortWrite(request, timeout=timeout, metadata=self._metadata))

    def read(self, *, timeout: float | None = None) -> RawCall:
        """Begin a Read: send serialized ReadRequests (the open first), read serialized ReadResponses.

        Send with `towpath_sdk.sending.send_message`: `RawCall.write` may lose the status that the call ends with.
        """
        return cast("RawCall", self._read(timeout=timeout, metadata=self._metadata))

    def write(self, *, timeout: float | None = None) -> RawCall:
        """Begin a Write as `read` begins a Read: send serialized WriteRequests, read serialized WriteResponses."""
        return cast("RawCall", self._write(timeout=timeout, metadata=self._metadata))

    async def _call(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except grpc.RpcError as error:
            raise from_rpc(error) from error
