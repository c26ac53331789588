"""DestinationService: prepare, write, complete, abort."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from towpath.connector.v1 import destination_pb2

from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.calls import Calls, hook_failed
from towpath_sdk._serve.duplex import WireContext, begin, run_duplex
from towpath_sdk._serve.failures import abort, as_failure
from towpath_sdk._serve.fences import Fences
from towpath_sdk._serve.messages import log_entry
from towpath_sdk._serve.queues import Inbox, Outbox
from towpath_sdk._serve.write_ledger import WriteLedger, frame_of, parsed, violation
from towpath_sdk._serve.writing import write_streams
from towpath_sdk._wire.catalogs import column_plan_to_wire, write_stream_from_wire
from towpath_sdk._wire.schemas import decode_schema
from towpath_sdk.destination import Destination, OpenWrite
from towpath_sdk.errors import Bug
from towpath_sdk.framing import WriteKind

__all__ = ["DestinationService"]

_NAME = "towpath.connector.v1.DestinationService"


class DestinationService:
    """Serves a destination."""

    def __init__(self, calls: Calls) -> None:
        destination = calls.connector.destination
        if destination is None:
            raise Bug("there is no destination to serve")
        self._calls = calls
        self._destination = destination
        self._fences = Fences()

    def handler(self) -> grpc.GenericRpcHandler:
        """Handlers for a server. Messages of Write are bytes: batches are decoded in the author's thread."""
        return grpc.method_handlers_generic_handler(
            _NAME,
            {
                "PrepareWrite": grpc.unary_unary_rpc_method_handler(
                    self.prepare,
                    request_deserializer=destination_pb2.PrepareWriteRequest.FromString,
                    response_serializer=destination_pb2.PrepareWriteResponse.SerializeToString,
                ),
                "Write": grpc.stream_stream_rpc_method_handler(
                    self.write, request_deserializer=None, response_serializer=None
                ),
                "CompleteWrite": grpc.unary_unary_rpc_method_handler(
                    self.complete,
                    request_deserializer=destination_pb2.CompleteWriteRequest.FromString,
                    response_serializer=destination_pb2.CompleteWriteResponse.SerializeToString,
                ),
                "AbortWrite": grpc.unary_unary_rpc_method_handler(
                    self.abort,
                    request_deserializer=destination_pb2.AbortWriteRequest.FromString,
                    response_serializer=destination_pb2.AbortWriteResponse.SerializeToString,
                ),
            },
        )

    async def prepare(
        self, request: destination_pb2.PrepareWriteRequest, wire: WireContext
    ) -> destination_pb2.PrepareWriteResponse:
        """Let the author plan."""

        def prepare(_: CallContext) -> destination_pb2.PrepareWriteResponse:
            config = self._calls.parse(request.config_json)
            modes = self._destination.write_modes
            streams = [write_stream_from_wire(s, f"streams[{i}]", modes) for i, s in enumerate(request.streams)]
            schemas = {announced.stream: decode_schema(announced.ipc_schema) for announced in request.schemas}
            if sorted(schemas) != list(range(len(streams))):
                raise violation("a write is prepared with one schema for each of its streams")
            plans = self._destination.prepare(
                config.values,
                _write_id(request.write_id),
                streams,
                [schemas[i] for i in range(len(streams))],
                dry_run=request.dry_run,
            )
            response = destination_pb2.PrepareWriteResponse(columns=map(column_plan_to_wire, plans))
            if request.dry_run:
                for index, stream in enumerate(streams):
                    if location := self._destination.location(config.values, stream, schemas[index]):
                        response.locations.add(stream=index, location=config.redactor.redact(location))
            return response

        return await self._calls.run(wire, "prepare", prepare)

    async def complete(
        self, request: destination_pb2.CompleteWriteRequest, wire: WireContext
    ) -> destination_pb2.CompleteWriteResponse:
        """Let the author publish."""

        def complete(_: CallContext) -> destination_pb2.CompleteWriteResponse:
            config = self._calls.parse(request.config_json)
            modes = self._destination.write_modes
            streams = [
                write_stream_from_wire(s, f"completed_streams[{i}]", modes)
                for i, s in enumerate(request.completed_streams)
            ]
            self._destination.complete(config.values, _write_id(request.write_id), tuple(request.receipts), streams)
            return destination_pb2.CompleteWriteResponse()

        return await self._calls.run(wire, "complete", complete)

    async def abort(
        self, request: destination_pb2.AbortWriteRequest, wire: WireContext
    ) -> destination_pb2.AbortWriteResponse:
        """Let the author discard."""

        def discard(_: CallContext) -> destination_pb2.AbortWriteResponse:
            config = self._calls.parse(request.config_json)
            self._destination.abort(config.values, _write_id(request.write_id))
            return destination_pb2.AbortWriteResponse()

        return await self._calls.run(wire, "abort", discard)

    async def write(self, _: object, wire: WireContext) -> None:
        """Run one Write to its end."""
        await begin(wire)
        try:
            opened = _opened(await wire.read())
            await _Write(self._calls, self._destination, self._fences, opened, wire).run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 also SystemExit: it ends a call, never the server
            await abort(wire, as_failure(error, "write"), self._calls.secrets.redact)


class _Write:
    """One Write: the loop checks the order of requests, the author's thread verifies, decodes and stores them."""

    def __init__(
        self,
        calls: Calls,
        destination: Destination[Any],
        fences: Fences,
        request: destination_pb2.WriteOpen,
        wire: WireContext,
    ) -> None:
        self._calls = calls
        self._destination = destination
        self._fences = fences
        self._wire = wire
        self._config = calls.parse(request.config_json)
        self._open = _open_write(request, destination)
        self._inbox = Inbox(2 * calls.batch_bytes)
        self._outbox = Outbox(2 * calls.batch_bytes)
        self._ledger = WriteLedger(len(self._open.streams), self._open.resume_after_commit_seq)
        self._context = CallContext(
            batch_bytes=calls.batch_bytes, attempt=self._open.epoch, log=self._log, on_hook_failure=hook_failed
        )

    async def run(self) -> None:
        write = self._open
        holder = await self._fences.take(write.write_id, write.writer_id, write.epoch)
        name = f"write {', '.join(str(stream.name) for stream in write.streams)}"

        def on_end() -> None:
            holder.ended()
            self._outbox.end()

        call = holder.call = self._calls.threads.start(name, self._consume, self._context, on_end)
        try:
            await run_duplex(self._wire, call, self._outbox, self._take_requests(), holder.overruled)
        finally:
            self._inbox.close()
            call.cancel()

    def _consume(self) -> None:
        write_streams(
            self._destination,
            self._config.values,
            self._open,
            self._context,
            self._inbox,
            self._ledger,
            self._config.redactor,
            self._outbox.put,
        )

    async def _take_requests(self) -> None:
        while (message := await self._wire.read()) is not grpc.aio.EOF:
            request = self._ledger.accept(message)
            if request is not None:
                await self._inbox.put(request, len(message))
        self._inbox.end()

    def _log(self, level: str, event: str, attributes: dict[str, object]) -> None:
        entry = log_entry(level, event, attributes, self._config.redactor.redact)
        self._outbox.put(destination_pb2.WriteResponse(log=entry).SerializeToString())


def _opened(first: Any) -> destination_pb2.WriteOpen:
    if first is grpc.aio.EOF or frame_of(first).kind != WriteKind.OPEN:
        raise violation("the first message of a Write is its open")
    return parsed(first).open


def _open_write(request: destination_pb2.WriteOpen, destination: Destination[Any]) -> OpenWrite:
    if not request.streams:
        raise violation("a Write names at least one stream")
    if not request.writer_id:
        raise violation("a Write names its writer")
    modes = destination.write_modes
    return OpenWrite(
        write_id=_write_id(request.write_id),
        writer_id=request.writer_id,
        epoch=request.epoch,
        streams=[write_stream_from_wire(stream, f"streams[{i}]", modes) for i, stream in enumerate(request.streams)],
        resume_after_commit_seq=request.resume_after_commit_seq,
        receipts=tuple(request.receipts),
    )


def _write_id(write_id: str) -> str:
    if not write_id:
        raise violation("write_id is empty")
    return write_id
