"""Calls of ConnectionService."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from google.protobuf.field_mask_pb2 import FieldMask
from towpath.connector.v1.types_pb2 import StreamName
from towpath.control.v1 import connections_pb2 as pb
from towpath.control.v1.connections_pb2_grpc import ConnectionServiceStub
from towpath.control.v1.jobs_pb2 import Job

from towpath_cli.client.wire import Wire
from towpath_cli.names import resource_name, short_name

__all__ = ["Connections"]

_DISCOVER_SECONDS = 600.0
"""A connection without streams discovers its source."""


class Connections:
    """What moves where, and when. The actions that start a job return it without waiting for it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = ConnectionServiceStub(wire.channel)

    def all(self) -> Iterator[pb.Connection]:
        """Yield all, by name."""
        token = ""
        while True:
            page = self._wire.call(self._stub.ListConnections, pb.ListConnectionsRequest(page_token=token))
            yield from page.connections
            token = page.next_page_token
            if not token:
                return

    def get(self, name: str) -> pb.Connection:
        """Return one. Raises NotFound."""
        request = pb.GetConnectionRequest(name=_full(name))
        return self._wire.call(self._stub.GetConnection, request).connection

    def create(self, name: str, connection: pb.Connection) -> pb.Connection:
        """Create one; without streams the source is discovered. Raises Misconfigured, Conflict, NotFound."""
        request = pb.CreateConnectionRequest(
            connection_id=short_name(_full(name)), connection=connection, request_id=str(uuid.uuid4())
        )
        return self._wire.call(self._stub.CreateConnection, request, _DISCOVER_SECONDS).connection

    def update(self, connection: pb.Connection, paths: Sequence[str]) -> pb.Connection:
        """Change the fields named by `paths`. Raises Misconfigured, NotFound, Fenced for an outdated etag."""
        request = pb.UpdateConnectionRequest(connection=connection, update_mask=FieldMask(paths=paths))
        return self._wire.call(self._stub.UpdateConnection, request, _DISCOVER_SECONDS).connection

    def plan(self, connection: pb.Connection) -> list[pb.StreamPlan]:
        """Ask what the destination would make of each stream. Raises Misconfigured, Unavailable without a worker."""
        request = pb.PlanConnectionRequest(connection=connection)
        return list(self._wire.call(self._stub.PlanConnection, request, _DISCOVER_SECONDS).streams)

    def delete(self, name: str) -> None:
        """Remove it; delivered data stay. Raises Conflict while a job is active."""
        self._wire.call(self._stub.DeleteConnection, pb.DeleteConnectionRequest(name=_full(name)))

    def sync(self, name: str) -> Job:
        """Start a job that moves what is new. Raises Conflict with the reason JOB_ACTIVE."""
        request = pb.SyncConnectionRequest(name=_full(name), request_id=str(uuid.uuid4()))
        return self._wire.call(self._stub.SyncConnection, request).job

    def refresh(self, name: str, streams: Sequence[StreamName]) -> Job:
        """Start a job that reads from the start; no streams means all. Raises Conflict with the reason JOB_ACTIVE."""
        request = pb.RefreshConnectionRequest(name=_full(name), streams=streams, request_id=str(uuid.uuid4()))
        return self._wire.call(self._stub.RefreshConnection, request).job

    def clear(self, name: str, streams: Sequence[StreamName]) -> Job:
        """Start a job that removes delivered data; no streams means all. Raises Conflict with the reason JOB_ACTIVE."""
        request = pb.ClearConnectionRequest(name=_full(name), streams=streams, request_id=str(uuid.uuid4()))
        return self._wire.call(self._stub.ClearConnection, request).job

    def pause(self, name: str) -> pb.Connection:
        """Stop the schedule."""
        return self._wire.call(self._stub.PauseConnection, pb.PauseConnectionRequest(name=_full(name))).connection

    def resume(self, name: str) -> pb.Connection:
        """Start the schedule again."""
        return self._wire.call(self._stub.ResumeConnection, pb.ResumeConnectionRequest(name=_full(name))).connection

    def states(self, name: str) -> list[pb.StreamState]:
        """Return the committed state of each stream, by name."""
        request = pb.ListStreamStatesRequest(name=_full(name))
        return list(self._wire.call(self._stub.ListStreamStates, request).states)

    def schema_changes(self, name: str) -> Iterator[pb.SchemaChange]:
        """Yield what jobs found changed in the schemas of streams, the newest first."""
        token = ""
        while True:
            request = pb.ListSchemaChangesRequest(name=_full(name), page_token=token)
            page = self._wire.call(self._stub.ListSchemaChanges, request)
            yield from page.changes
            token = page.next_page_token
            if not token:
                return

    def reset_state(self, name: str, stream: StreamName) -> pb.StreamState:
        """Drop the state of one stream. Raises Conflict while a job is active."""
        request = pb.ResetStreamStateRequest(name=_full(name), stream=stream)
        return self._wire.call(self._stub.ResetStreamState, request).state

    def update_state(self, name: str, seen: pb.StreamState, state: bytes) -> pb.StreamState:
        """Put a state in the place of the one that was `seen`.

        Raises Conflict while a job is active, Fenced when the state has changed meanwhile, Misconfigured.
        """
        request = pb.UpdateStreamStateRequest(name=_full(name), stream=seen.name, state=state, etag=seen.etag)
        return self._wire.call(self._stub.UpdateStreamState, request).state


def _full(name: str) -> str:
    return resource_name("connections", name)
