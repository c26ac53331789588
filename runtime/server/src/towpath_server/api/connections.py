"""towpath.control.v1.ConnectionService."""

from __future__ import annotations

from towpath.control.v1 import connections_pb2, connections_pb2_grpc, jobs_pb2

from towpath_server.api.context import Context
from towpath_server.domain.job import JobKind, JobView
from towpath_server.domain.names import id_of
from towpath_server.use_cases.connections import Connections
from towpath_server.use_cases.jobs import Jobs
from towpath_server.use_cases.plans import Plans
from towpath_server.use_cases.requests import now
from towpath_server.wire.common import name_from
from towpath_server.wire.connections import connection_from, connection_to, position_to, schema_change_to
from towpath_server.wire.jobs import view_to

__all__ = ["ConnectionService"]


class ConnectionService(connections_pb2_grpc.ConnectionServiceServicer):
    """Keeps connections and starts their jobs."""

    def __init__(self, connections: Connections, jobs: Jobs, plans: Plans) -> None:
        self._connections = connections
        self._plans = plans
        self._jobs = jobs

    async def CreateConnection(
        self, request: connections_pb2.CreateConnectionRequest, context: Context
    ) -> connections_pb2.CreateConnectionResponse:
        """Connect a source with a destination."""
        view = await self._connections.create(
            request.connection_id,
            connection_from(request.connection),
            request.request_id,
            context.time_remaining(),
        )
        return connections_pb2.CreateConnectionResponse(connection=connection_to(view))

    async def PlanConnection(
        self, request: connections_pb2.PlanConnectionRequest, context: Context
    ) -> connections_pb2.PlanConnectionResponse:
        """Say what the destination would make of each stream."""
        wire = await self._plans.plan(connection_from(request.connection), context.time_remaining())
        return connections_pb2.PlanConnectionResponse.FromString(wire)

    async def GetConnection(
        self, request: connections_pb2.GetConnectionRequest, context: Context
    ) -> connections_pb2.GetConnectionResponse:
        """Return one connection."""
        view = await self._connections.get(_id(request.name))
        return connections_pb2.GetConnectionResponse(connection=connection_to(view))

    async def ListConnections(
        self, request: connections_pb2.ListConnectionsRequest, context: Context
    ) -> connections_pb2.ListConnectionsResponse:
        """Return a page of connections."""
        page, token = await self._connections.page(request.page_size, request.page_token)
        return connections_pb2.ListConnectionsResponse(connections=map(connection_to, page), next_page_token=token)

    async def UpdateConnection(
        self, request: connections_pb2.UpdateConnectionRequest, context: Context
    ) -> connections_pb2.UpdateConnectionResponse:
        """Change a connection."""
        view = await self._connections.update(
            id_of("connections", request.connection.name, "connection.name"),
            connection_from(request.connection),
            request.update_mask.paths,
            context.time_remaining(),
        )
        return connections_pb2.UpdateConnectionResponse(connection=connection_to(view))

    async def DeleteConnection(
        self, request: connections_pb2.DeleteConnectionRequest, context: Context
    ) -> connections_pb2.DeleteConnectionResponse:
        """Remove a connection."""
        await self._connections.delete(_id(request.name))
        return connections_pb2.DeleteConnectionResponse()

    async def SyncConnection(
        self, request: connections_pb2.SyncConnectionRequest, context: Context
    ) -> connections_pb2.SyncConnectionResponse:
        """Start a job that moves what is new."""
        view = await self._jobs.start(_id(request.name), JobKind.SYNC, (), request.request_id)
        return connections_pb2.SyncConnectionResponse(job=_job(view))

    async def RefreshConnection(
        self, request: connections_pb2.RefreshConnectionRequest, context: Context
    ) -> connections_pb2.RefreshConnectionResponse:
        """Start a job that reads from the start."""
        streams = [name_from(name) for name in request.streams]
        view = await self._jobs.start(_id(request.name), JobKind.REFRESH, streams, request.request_id)
        return connections_pb2.RefreshConnectionResponse(job=_job(view))

    async def ClearConnection(
        self, request: connections_pb2.ClearConnectionRequest, context: Context
    ) -> connections_pb2.ClearConnectionResponse:
        """Start a job that removes what was delivered."""
        streams = [name_from(name) for name in request.streams]
        view = await self._jobs.start(_id(request.name), JobKind.CLEAR, streams, request.request_id)
        return connections_pb2.ClearConnectionResponse(job=_job(view))

    async def PauseConnection(
        self, request: connections_pb2.PauseConnectionRequest, context: Context
    ) -> connections_pb2.PauseConnectionResponse:
        """Stop the schedule."""
        view = await self._connections.pause(_id(request.name), paused=True)
        return connections_pb2.PauseConnectionResponse(connection=connection_to(view))

    async def ResumeConnection(
        self, request: connections_pb2.ResumeConnectionRequest, context: Context
    ) -> connections_pb2.ResumeConnectionResponse:
        """Start the schedule again."""
        view = await self._connections.pause(_id(request.name), paused=False)
        return connections_pb2.ResumeConnectionResponse(connection=connection_to(view))

    async def ListStreamStates(
        self, request: connections_pb2.ListStreamStatesRequest, context: Context
    ) -> connections_pb2.ListStreamStatesResponse:
        """Return the committed state of each stream."""
        positions = await self._connections.positions(_id(request.name))
        return connections_pb2.ListStreamStatesResponse(states=map(position_to, positions))

    async def ResetStreamState(
        self, request: connections_pb2.ResetStreamStateRequest, context: Context
    ) -> connections_pb2.ResetStreamStateResponse:
        """Drop the state of one stream."""
        position = await self._connections.reset_position(_id(request.name), name_from(request.stream))
        return connections_pb2.ResetStreamStateResponse(state=position_to(position))

    async def UpdateStreamState(
        self, request: connections_pb2.UpdateStreamStateRequest, context: Context
    ) -> connections_pb2.UpdateStreamStateResponse:
        """Put another state in the place of the stored one."""
        position = await self._connections.update_position(
            _id(request.name), name_from(request.stream), request.state, request.state_version, request.etag
        )
        return connections_pb2.UpdateStreamStateResponse(state=position_to(position))

    async def ListSchemaChanges(
        self, request: connections_pb2.ListSchemaChangesRequest, context: Context
    ) -> connections_pb2.ListSchemaChangesResponse:
        """Return a page of what changed in the schemas of streams."""
        page, token = await self._connections.schema_changes(_id(request.name), request.page_size, request.page_token)
        return connections_pb2.ListSchemaChangesResponse(changes=map(schema_change_to, page), next_page_token=token)


def _id(name: str) -> str:
    return id_of("connections", name)


def _job(view: JobView) -> jobs_pb2.Job:
    return view_to(view, now())
