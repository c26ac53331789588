"""SourceService: plan and read."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from towpath.connector.v1 import source_pb2

from towpath_sdk._serve.acks import AckLedger
from towpath_sdk._serve.author_thread import AuthorCall, result_of
from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.calls import Calls, hook_failed
from towpath_sdk._serve.duplex import WireContext, begin, run_duplex, send
from towpath_sdk._serve.emission import Emission
from towpath_sdk._serve.failures import abort, as_failure
from towpath_sdk._serve.messages import log_entry
from towpath_sdk._serve.queues import Outbox
from towpath_sdk._serve.reading import read_streams
from towpath_sdk._wire.catalogs import read_stream_from_wire, split_from_wire, split_to_wire
from towpath_sdk.catalog import ReadStream
from towpath_sdk.errors import Bug, Misconfigured, PositionLost
from towpath_sdk.source import Checkpoint, Source

__all__ = ["SourceService"]

_NAME = "towpath.connector.v1.SourceService"
_HALF_CLOSE_SECONDS = 0.5


class SourceService:
    """Serves a source."""

    def __init__(self, calls: Calls) -> None:
        source = calls.connector.source
        if source is None:
            raise Bug("there is no source to serve")
        self._calls = calls
        self._source = source

    def handler(self) -> grpc.GenericRpcHandler:
        """Handlers for a server. Messages of Read are bytes: they are serialized in the author's thread."""
        return grpc.method_handlers_generic_handler(
            _NAME,
            {
                "PlanRead": grpc.unary_unary_rpc_method_handler(
                    self.plan_read,
                    request_deserializer=source_pb2.PlanReadRequest.FromString,
                    response_serializer=source_pb2.PlanReadResponse.SerializeToString,
                ),
                "Read": grpc.stream_stream_rpc_method_handler(
                    self.read, request_deserializer=None, response_serializer=None
                ),
            },
        )

    async def plan_read(self, request: source_pb2.PlanReadRequest, wire: WireContext) -> source_pb2.PlanReadResponse:
        """Let the author divide a read."""

        def plan(_: CallContext) -> source_pb2.PlanReadResponse:
            config = self._calls.parse(request.config_json)
            known = self._source.state_version
            streams = [read_stream_from_wire(s, f"streams[{i}]", known) for i, s in enumerate(request.streams)]
            splits = self._source.plan(config.values, streams, max(1, request.target_splits))
            return source_pb2.PlanReadResponse(splits=map(split_to_wire, splits))

        return await self._calls.run(wire, "plan", plan)

    async def read(self, _: object, wire: WireContext) -> None:
        """Run one Read to its end."""
        await begin(wire)
        try:
            opened = _opened(await wire.read())
            await _Read(self._calls, self._source, opened, wire).run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 also SystemExit: it ends a call, never the server
            await abort(wire, as_failure(error, "read"), self._calls.secrets.redact)


class _Read:
    """One Read: the author's thread produces, another one hears acknowledgements, the loop moves messages."""

    def __init__(self, calls: Calls, source: Source[Any], request: source_pb2.ReadOpen, wire: WireContext) -> None:
        self._calls = calls
        self._source = source
        self._wire = wire
        self._config = calls.parse(request.config_json)
        self._streams, self._lost = _streams_of(request, source.state_version)
        self._outbox = Outbox(2 * calls.batch_bytes)
        self._overruled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._acks = AckLedger(keep_checkpoints=calls.connector.hears_acks)
        self._ack_arrived = asyncio.Event()
        self._half_closed = False
        limits = calls.negotiation.limits
        batch_bytes = min(calls.batch_bytes, limits.payload_bytes or calls.batch_bytes)
        self._emission = Emission(self._outbox.put, self._config.redactor, limits, batch_bytes)
        self._context = CallContext(
            batch_bytes=batch_bytes, attempt=request.attempt, log=self._log, on_hook_failure=hook_failed
        )

    async def run(self) -> None:
        opened = source_pb2.ReadResponse(opened=source_pb2.ReadOpened(wants_acks=self._calls.connector.wants_acks))
        await send(self._wire, opened.SerializeToString())
        name = f"read {', '.join(str(stream.name) for stream in self._streams)}"
        reading = self._calls.threads.start(name, self._produce, self._context, self._outbox.end)
        listening: AuthorCall[None] | None = None
        requests = asyncio.ensure_future(self._take_requests())
        try:
            if self._calls.connector.hears_acks:
                listening = self._calls.threads.start(f"acknowledge {name}", self._hear_acks, self._context)
            await run_duplex(self._wire, reading, self._outbox, _first_failure(requests, listening), self._overruled)
            # Also when no acknowledgement is wanted: a call that ends first makes the broker's last write fail.
            await self._await_last_ack(requests)
            await self._await_half_close(requests)
            self._acks.end()
            if listening is not None:
                await result_of(listening)
        finally:
            requests.cancel()
            self._context.cancel()
            self._acks.end()
            reading.cancel()
            if listening is not None:
                listening.cancel()

    def _produce(self) -> None:
        read_streams(
            self._source,
            self._config.values,
            self._streams,
            self._lost,
            self._context,
            self._emission,
            self._acks.sent,
        )

    def _hear_acks(self) -> None:
        def hear(index: int, checkpoint: Checkpoint) -> None:
            if not self._context.cancelled:
                self._source.acknowledge(self._config.values, self._streams[index], checkpoint)

        self._acks.pass_on(hear)

    async def _take_requests(self) -> None:
        while (message := await self._wire.read()) is not grpc.aio.EOF:
            request = _parsed(message)
            kind = request.WhichOneof("message")
            if kind == "ack":
                self._acks.acknowledge(request.ack.checkpoint_seq)
                self._ack_arrived.set()
            elif kind == "drain":
                self._context.drain()
            elif kind == "open":
                raise _violation("a Read is opened once")
            else:
                raise _violation("a message of a Read is one of open, ack, drain")
        self._half_closed = True
        self._ack_arrived.set()

    async def _await_last_ack(self, requests: asyncio.Future[None]) -> None:
        while not self._acks.all_acknowledged and not self._half_closed:
            self._ack_arrived.clear()
            arrival = asyncio.ensure_future(self._ack_arrived.wait())
            await asyncio.wait({arrival, requests}, return_when=asyncio.FIRST_COMPLETED)
            arrival.cancel()
            if requests.done():
                requests.result()

    async def _await_half_close(self, requests: asyncio.Future[None]) -> None:
        """Give the broker a moment to half-close: it may repeat its last acknowledgement before it does.

        What it writes to a call that has ended fails, though it did nothing wrong.
        """
        if not self._half_closed:
            await asyncio.wait({requests}, timeout=_HALF_CLOSE_SECONDS)
        if requests.done():
            requests.result()

    def _log(self, level: str, event: str, attributes: dict[str, object]) -> None:
        entry = log_entry(level, event, attributes, self._config.redactor.redact)
        self._outbox.put(source_pb2.ReadResponse(log=entry).SerializeToString())


async def _first_failure(requests: asyncio.Future[None], listening: AuthorCall[None] | None) -> None:
    """Wait for the requests and the listener; raise what either raises as soon as it does."""
    waiting: set[asyncio.Future[None]] = {requests}
    if listening is not None:
        waiting.add(listening.outcome)
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
    if requests in done:
        requests.result()
    if listening is not None:
        await result_of(listening)


def _opened(first: Any) -> source_pb2.ReadOpen:
    request = source_pb2.ReadRequest() if first is grpc.aio.EOF else _parsed(first)
    if request.WhichOneof("message") != "open":
        raise _violation("the first message of a Read is its open")
    return request.open


def _parsed(message: bytes) -> source_pb2.ReadRequest:
    try:
        return source_pb2.ReadRequest.FromString(message)
    except DecodeError as error:
        raise _violation(f"a message of {len(message)} bytes is no ReadRequest") from error


def _streams_of(request: source_pb2.ReadOpen, state_version: int) -> tuple[list[ReadStream], dict[int, PositionLost]]:
    """Return what is to be read, and by index why some of it cannot be continued: those streams fail, no others."""
    if not request.streams:
        raise _violation("a Read names at least one stream")
    if request.shared_state:
        raise _violation("this source keeps a state per stream, not a shared one")
    split = split_from_wire(request.split) if request.HasField("split") else None
    if split is not None and len(request.streams) > 1:
        raise _violation("a Read of a split names the one stream that it belongs to")
    streams: list[ReadStream] = []
    lost: dict[int, PositionLost] = {}
    for index, stream in enumerate(request.streams):
        path = f"streams[{index}]"
        try:
            streams.append(read_stream_from_wire(stream, path, state_version, split))
        except PositionLost as error:
            lost[index] = error
            stream.ClearField("state")
            streams.append(read_stream_from_wire(stream, path, state_version, split))
    return streams, lost


def _violation(message: str) -> Misconfigured:
    return Misconfigured(message, reason="PROTOCOL_VIOLATION")
