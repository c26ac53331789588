"""Everything that a broker can ask of a connector, asked synchronously."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python
from towpath.connector.v1 import connector_pb2, destination_pb2, source_pb2

from towpath_sdk._wire.catalogs import read_stream_to_wire, split_to_wire, write_stream_to_wire
from towpath_sdk._wire.states import encode_state
from towpath_sdk.catalog import ReadMode, ReadStream, Split, Stream, StreamName, WriteStream
from towpath_sdk.client import ConnectorClient, ProbeResult, RawCall
from towpath_sdk.config import Config
from towpath_sdk.destination import ColumnPlan
from towpath_sdk.redaction import Redactor
from towpath_sdk.testing.loop_thread import LoopThread
from towpath_sdk.testing.raw_call import SteppedCall
from towpath_sdk.testing.reading import ReadResult, ReadSession
from towpath_sdk.testing.writing import WriteSession

__all__ = ["ConfigLike", "ConnectorCalls", "config_json"]

ConfigLike = Config | Mapping[str, Any] | str
"""A configuration as a model, as its fields, or as JSON text."""


def config_json(config: ConfigLike) -> str:
    """Write a configuration as the platform would send it: with its secrets."""
    if isinstance(config, str):
        return config
    return json.dumps(to_jsonable_python(_revealed(config)))


class ConnectorCalls:
    """Synchronous calls to a running connector. Each raises the TowpathError that the broker would see."""

    def __init__(self, loop: LoopThread, client: ConnectorClient, timeout: float) -> None:
        self._loop = loop
        self._timeout = timeout
        self.client = client
        """The asyncio client underneath; it belongs to the loop in the background."""

    def handshake(self, limits: connector_pb2.Limits | None = None) -> connector_pb2.HandshakeResponse:
        """Agree on version and limits."""
        return self._loop.run(self.client.handshake(limits=limits), self._timeout)

    def spec(self) -> connector_pb2.SpecResponse:
        """Ask who the connector is."""
        return self._loop.run(self.client.spec(), self._timeout)

    def config_schema(self) -> dict[str, Any]:
        """JSON Schema of the configuration."""
        return json.loads(self.spec().config_json_schema)

    def check(self, config: ConfigLike, *, timeout: float | None = None) -> list[ProbeResult]:
        """Run the probes."""
        limit = timeout or self._timeout
        return self._loop.run(self.client.check(config_json(config), timeout=limit), limit + 1)

    def discover(self, config: ConfigLike) -> list[Stream]:
        """List the catalogue."""

        async def gather() -> list[Stream]:
            return [stream async for page in self.client.discover(config_json(config)) for stream in page]

        return self._loop.run(gather(), self._timeout)

    def plan(
        self,
        config: ConfigLike,
        stream: str | StreamName,
        mode: ReadMode = ReadMode.SNAPSHOT,
        *,
        target_splits: int = 1,
        columns: Sequence[str] = (),
    ) -> list[Split]:
        """Divide the read of one stream."""
        streams = [ReadStream(_name(stream), mode, columns)]
        work = self.client.plan(config_json(config), streams, target_splits=target_splits)
        return self._loop.run(work, self._timeout)

    def read(
        self,
        config: ConfigLike,
        stream: str | StreamName,
        mode: ReadMode = ReadMode.SNAPSHOT,
        *,
        columns: Sequence[str] = (),
        cursor_column: str = "",
        state: Mapping[str, object] | bytes | None = None,
        state_version: int = 1,
        split: Split | None = None,
        acknowledge: bool = True,
        may_fail: bool = False,
    ) -> ReadResult:
        """Read one stream to its end, acknowledging each checkpoint.

        `stream` may be written "namespace.name". Raises the stream's failure, unless it `may_fail`.
        """
        wanted = ReadStream(_name(stream), mode, columns, cursor_column, state, state_version, split)
        session = self.open_read(config, wanted)
        for response in session:
            if acknowledge and response.WhichOneof("message") == "checkpoint":
                session.ack(response.checkpoint.checkpoint_seq)
        session.half_close()
        while session.receive() is not None:
            pass
        (result,) = session.results
        if result.failure is not None and not may_fail:
            raise result.failure
        return result

    def open_read(
        self, config: ConfigLike, *streams: ReadStream, attempt: int = 1, deadline: float | None = None
    ) -> ReadSession:
        """Open a Read and go through it step by step; the whole call may take `deadline` seconds."""
        opening = source_pb2.ReadOpen(config_json=config_json(config), attempt=attempt)
        for stream in streams:
            state = b"" if stream.state is None else encode_state(stream.state, Redactor(), 0)
            opening.streams.append(read_stream_to_wire(stream, state))
            if stream.split is not None:
                opening.split.CopyFrom(split_to_wire(stream.split))
        return ReadSession(self.raw_read(deadline), opening)

    def prepare(
        self,
        config: ConfigLike,
        write_id: str,
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool = False,
    ) -> list[ColumnPlan]:
        """Plan and create what has to exist."""
        work = self.client.prepare(config_json(config), write_id, streams, schemas, dry_run=dry_run)
        return self._loop.run(work, self._timeout)

    def write(
        self,
        config: ConfigLike,
        streams: Sequence[WriteStream],
        *,
        write_id: str = "write-1",
        writer_id: str = "writer-1",
        epoch: int = 1,
        resume_after_commit_seq: int = 0,
        receipts: Sequence[bytes] = (),
    ) -> WriteSession:
        """Open a Write."""
        opening = destination_pb2.WriteOpen(
            config_json=config_json(config),
            write_id=write_id,
            writer_id=writer_id,
            epoch=epoch,
            streams=map(write_stream_to_wire, streams),
            resume_after_commit_seq=resume_after_commit_seq,
            receipts=receipts,
        )
        return WriteSession(self.raw_write(), opening)

    def complete(
        self,
        config: ConfigLike,
        write_id: str,
        receipts: Sequence[bytes],
        completed_streams: Sequence[WriteStream] = (),
    ) -> None:
        """Publish exactly what the receipts name."""
        work = self.client.complete(config_json(config), write_id, receipts, completed_streams)
        self._loop.run(work, self._timeout)

    def abort(self, config: ConfigLike, write_id: str) -> None:
        """Discard everything that a write staged."""
        self._loop.run(self.client.abort(config_json(config), write_id), self._timeout)

    def raw_read(self, deadline: float | None = None) -> SteppedCall:
        """Begin a Read without opening it; the whole call may take `deadline` seconds."""
        return self._stepped(lambda: self.client.read(timeout=deadline))

    def raw_write(self, deadline: float | None = None) -> SteppedCall:
        """Begin a Write without opening it; the whole call may take `deadline` seconds."""
        return self._stepped(lambda: self.client.write(timeout=deadline))

    def _stepped(self, begin: Callable[[], RawCall]) -> SteppedCall:
        async def begun() -> SteppedCall:
            return SteppedCall(self._loop, begin(), self._timeout)

        return self._loop.run(begun(), self._timeout)


def _name(stream: str | StreamName) -> StreamName:
    if isinstance(stream, StreamName):
        return stream
    namespace, _, name = stream.rpartition(".")
    return StreamName(namespace, name)


def _revealed(value: Any) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {(field.alias or name): _revealed(getattr(value, name)) for name, field in fields.items()}
    if isinstance(value, Mapping):
        return {key: _revealed(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_revealed(item) for item in cast("list[Any]", value)]
    return value
