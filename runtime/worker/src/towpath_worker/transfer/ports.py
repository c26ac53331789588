"""What the broker needs from the outside: two connectors, the server, and a place for log lines.

Every method raises `Located`, so that a failure carries where it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2
from towpath.control.v1 import connections_pb2
from towpath.runtime.v1 import worker_pb2

from towpath_worker.failures import Located, Origin

__all__ = ["DestinationLink", "Journal", "Platform", "ReadCall", "SourceLink", "WriteCall"]


class ReadCall(Protocol):
    """One Read RPC. One task receives; any task may acknowledge."""

    async def receive(self) -> bytes | None:
        """Return the next serialized ReadResponse, or None once the call has ended with OK."""
        ...

    async def acknowledge(self, checkpoint_seq: int) -> None:
        """Send ReadAck; does nothing when the call has already ended."""
        ...

    async def half_close(self) -> None:
        """Say that no acknowledgement follows."""
        ...

    def cancel(self) -> None:
        """End the call now; harmless when it has ended."""
        ...


class WriteCall(Protocol):
    """One Write RPC. One task sends, one receives."""

    async def send(self, message: bytes) -> None:
        """Send a serialized WriteRequest; returns when flow control has let it pass."""
        ...

    async def receive(self) -> destination_pb2.WriteResponse | None:
        """Return the next answer, or None once the call has ended with OK."""
        ...

    async def half_close(self) -> None:
        """Say that nothing follows."""
        ...

    def cancel(self) -> None:
        """End the call now; harmless when it has ended."""
        ...


class SourceLink(Protocol):
    """A running source."""

    def read(self, stream: source_pb2.ReadStream, attempt: int) -> ReadCall:
        """Open a Read for one stream."""
        ...

    async def lost(self) -> Located | None:
        """Say how the connector as a whole was lost, after a call failed; None if it lives. Takes a second at most."""
        ...


class DestinationLink(Protocol):
    """A running destination."""

    async def prepare(
        self, write_id: str, stream: destination_pb2.WriteStream, schema: types_pb2.SchemaAnnounce
    ) -> Sequence[destination_pb2.ColumnPlan]:
        """Call PrepareWrite for one stream."""
        ...

    def write(self, request: destination_pb2.WriteOpen) -> WriteCall:
        """Open a Write; the configuration in `request` is filled in on the way."""
        ...

    async def lost(self) -> Located | None:
        """As for a source."""
        ...


class Platform(Protocol):
    """The server, for one attempt. Calls are repeated while the server is away, for as long as the lease lasts."""

    async def commit(self, request: worker_pb2.CommitStreamRequest) -> None:
        """Store state and receipt; job and epoch are filled in on the way."""
        ...

    async def reset(self, stream_index: int, reason: Located) -> worker_pb2.StreamWork:
        """Forget what the job committed for a stream; return its work anew."""
        ...

    async def schema_changed(self, stream_index: int, columns: Sequence[connections_pb2.ColumnChange]) -> None:
        """Store what changed in the schema of a stream; the same twice is stored once."""
        ...

    async def finish(self, stream_index: int, failure: Located | None, ipc_schema: bytes) -> None:
        """Say that a stream was transferred, or why not."""
        ...

    async def report(self, streams: Sequence[worker_pb2.StreamCounters]) -> bool:
        """Store counters and renew the lease; true when a cancel was asked for. Unavailable when the lease is over."""
        ...


class Journal(Protocol):
    """The log of a job. Never blocks and never fails; redacts."""

    def note(
        self,
        origin: Origin,
        level: types_pb2.LogEntry.Level,
        message: str,
        *,
        stream: types_pb2.StreamName | None = None,
        **attributes: object,
    ) -> None:
        """Add one line of the worker's own making."""
        ...

    def entry(self, origin: Origin, entry: types_pb2.LogEntry, stream: types_pb2.StreamName | None) -> None:
        """Add what a connector logged."""
        ...
