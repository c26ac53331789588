"""ConnectorService: handshake, spec, check, discover."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator

import grpc
from google.protobuf.message import Message
from towpath.connector.v1 import connector_pb2

from towpath_sdk._serve.author_thread import result_of
from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.calls import Calls, hook_failed
from towpath_sdk._serve.duplex import WireContext, begin, send
from towpath_sdk._serve.failures import abort, as_failure
from towpath_sdk._serve.interrupting import Interrupted
from towpath_sdk._serve.limits import Limits
from towpath_sdk._serve.queues import Outbox
from towpath_sdk._wire.catalogs import stream_to_wire
from towpath_sdk._wire.configs import ParsedConfig
from towpath_sdk.catalog import Stream, StreamName
from towpath_sdk.check import Probe
from towpath_sdk.config import Config
from towpath_sdk.errors import Bug, Conflict, Misconfigured, TowpathError
from towpath_sdk.status import to_status

__all__ = ["PROTOCOL_MAJOR", "PROTOCOL_MINOR", "ConnectorService"]

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 0

_NAME = "towpath.connector.v1.ConnectorService"
_PAGE_BYTES = 1024 * 1024
_PAGE_STREAMS = 500
_FIELD_BYTES = 6
"""What a stream takes in a page beside itself: tag and length."""


class ConnectorService:
    """Serves what every connector has."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._instance_id = uuid.uuid4().hex

    def handler(self) -> grpc.GenericRpcHandler:
        """Handlers for a server."""
        return grpc.method_handlers_generic_handler(
            _NAME,
            {
                "Handshake": grpc.unary_unary_rpc_method_handler(
                    self.handshake,
                    request_deserializer=connector_pb2.HandshakeRequest.FromString,
                    response_serializer=connector_pb2.HandshakeResponse.SerializeToString,
                ),
                "Spec": grpc.unary_unary_rpc_method_handler(
                    self.spec,
                    request_deserializer=connector_pb2.SpecRequest.FromString,
                    response_serializer=connector_pb2.SpecResponse.SerializeToString,
                ),
                "Check": grpc.unary_unary_rpc_method_handler(
                    self.check,
                    request_deserializer=connector_pb2.CheckRequest.FromString,
                    response_serializer=connector_pb2.CheckResponse.SerializeToString,
                ),
                "WatchCheck": grpc.unary_stream_rpc_method_handler(
                    self.watch_check,
                    request_deserializer=connector_pb2.WatchCheckRequest.FromString,
                    response_serializer=None,
                ),
                "Discover": grpc.unary_stream_rpc_method_handler(
                    self.discover,
                    request_deserializer=connector_pb2.DiscoverRequest.FromString,
                    response_serializer=None,
                ),
            },
        )

    async def handshake(
        self, request: connector_pb2.HandshakeRequest, context: WireContext
    ) -> connector_pb2.HandshakeResponse:
        """Agree on version and limits."""
        minors = [version.minor for version in request.supported_versions if version.major == PROTOCOL_MAJOR]
        if not minors:
            await abort(
                context,
                Conflict(
                    f"this connector speaks protocol version {PROTOCOL_MAJOR}.{PROTOCOL_MINOR}; the caller does not",
                    reason="UNSUPPORTED_VERSION",
                ),
            )
        return connector_pb2.HandshakeResponse(
            selected_version=connector_pb2.ProtocolVersion(major=PROTOCOL_MAJOR, minor=min(PROTOCOL_MINOR, *minors)),
            limits=self._calls.negotiation.agree(Limits.from_wire(request.limits)).to_wire(),
            instance_id=self._instance_id,
        )

    async def spec(self, _request: connector_pb2.SpecRequest, _context: WireContext) -> connector_pb2.SpecResponse:
        """Describe the connector."""
        return self._calls.connector.spec

    async def check(self, request: connector_pb2.CheckRequest, context: WireContext) -> connector_pb2.CheckResponse:
        """Run the author's probes."""

        def check(_: CallContext) -> connector_pb2.CheckResponse:
            steps = self._probe(request.config_json)
            return connector_pb2.CheckResponse(results=[step.ended for step in steps if step.HasField("ended")])

        return await self._calls.run(context, "check", check)

    async def watch_check(self, request: connector_pb2.WatchCheckRequest, context: WireContext) -> None:
        """Run the author's probes, and tell of each when it begins and when it has ended."""
        await self._stream(context, "check", lambda: self._probe(request.config_json))

    def _probe(self, config_json: str) -> Iterator[connector_pb2.WatchCheckResponse]:
        connector = self._calls.connector
        config = self._calls.parse(config_json)
        parts = [part for part in (connector.source, connector.destination) if part is not None]
        return _run_probes(itertools.chain.from_iterable(part.check(config.values) for part in parts), config)

    async def discover(self, request: connector_pb2.DiscoverRequest, context: WireContext) -> None:
        """Stream the catalogue in pages."""
        source = self._calls.connector.source
        if source is None:
            no_source = Misconfigured("this connector is no source", reason="UNIMPLEMENTED")
            await abort(context, no_source, code=grpc.StatusCode.UNIMPLEMENTED)

        def discover() -> Iterator[connector_pb2.DiscoverResponse]:
            config = self._calls.parse(request.config_json)
            page_bytes = min(_PAGE_BYTES, self._calls.negotiation.limits.max_message_bytes or _PAGE_BYTES)
            return _pages(source.discover(config.values), page_bytes)

        await self._stream(context, "discover", discover)

    async def _stream(self, context: WireContext, name: str, produce: Callable[[], Iterator[Message]]) -> None:
        """Run `produce` in a thread of its own, and send what it yields as it comes."""
        await begin(context)
        outbox = Outbox(4 * _PAGE_BYTES)
        call_context = CallContext(on_hook_failure=hook_failed)

        def put_all() -> None:
            for message in produce():
                outbox.put(message.SerializeToString())

        try:
            call = self._calls.threads.start(name, put_all, call_context, outbox.end)
            try:
                while (page := await outbox.get()) is not None:
                    await send(context, page)
                await result_of(call)
            finally:
                call.cancel()
                outbox.close()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 also SystemExit: it ends a call, never the server
            await abort(context, as_failure(error, name), self._calls.secrets.redact)


def _run_probes(probes: Iterable[Probe], config: ParsedConfig[Config]) -> Iterator[connector_pb2.WatchCheckResponse]:
    """Run probes in order; what a probe raises is its result, also what a broken check raises between two probes."""
    remaining = iter(probes)
    while True:
        name, essential = "check", True
        failure: TowpathError | None = None
        try:
            probe = next(remaining, None)
            if probe is None:
                return
            name, essential = probe.name, probe.essential
        except Interrupted:
            raise
        except BaseException as error:  # noqa: BLE001 whatever a check raises is a result, also SystemExit
            failure = as_failure(error, f"probe {name}")
        else:
            yield connector_pb2.WatchCheckResponse(begun=name)
            failure = _failure_of(probe)
        ended = connector_pb2.CheckResult(probe=name)
        if failure is not None:
            ended.status.CopyFrom(to_status(failure, redact=config.redactor.redact))
        yield connector_pb2.WatchCheckResponse(ended=ended)
        if failure is not None and essential:
            return


def _failure_of(probe: Probe) -> TowpathError | None:
    try:
        probe.run()
    except Interrupted:
        raise
    except BaseException as error:  # noqa: BLE001 whatever a probe raises is its result, also SystemExit
        return as_failure(error, f"probe {probe.name}")
    return None


def _pages(streams: Iterable[Stream], most_bytes: int) -> Iterator[connector_pb2.DiscoverResponse]:
    """Put streams together to pages of at most so many bytes; a stream that is larger has a page of its own."""
    page = connector_pb2.DiscoverResponse()
    size = 0
    seen: set[StreamName] = set()
    for stream in streams:
        name = StreamName(stream.namespace, stream.name)
        if name in seen:
            raise Bug(f"discover yielded {name} twice")
        seen.add(name)
        descriptor = stream_to_wire(stream)
        added = descriptor.ByteSize() + _FIELD_BYTES
        if page.streams and (size + added > most_bytes or len(page.streams) >= _PAGE_STREAMS):
            yield page
            page = connector_pb2.DiscoverResponse()
            size = 0
        page.streams.append(descriptor)
        size += added
    if page.streams:
        yield page
