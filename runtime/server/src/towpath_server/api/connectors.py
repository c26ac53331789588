"""towpath.control.v1.ConnectorService."""

from __future__ import annotations

from towpath.control.v1 import connectors_pb2, connectors_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.domain.names import id_of
from towpath_server.use_cases.connectors import Connectors
from towpath_server.wire.connectors import connector_to, program_from

__all__ = ["ConnectorService"]


class ConnectorService(connectors_pb2_grpc.ConnectorServiceServicer):
    """Registers connectors and keeps their specs."""

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = connectors

    async def CreateConnector(
        self, request: connectors_pb2.CreateConnectorRequest, context: Context
    ) -> connectors_pb2.CreateConnectorResponse:
        """Register a connector."""
        connector = await self._connectors.create(
            request.connector_id, program_from(request.connector), request.request_id, context.time_remaining()
        )
        return connectors_pb2.CreateConnectorResponse(connector=connector_to(connector))

    async def GetConnector(
        self, request: connectors_pb2.GetConnectorRequest, context: Context
    ) -> connectors_pb2.GetConnectorResponse:
        """Return one connector."""
        connector = await self._connectors.get(id_of("connectors", request.name))
        return connectors_pb2.GetConnectorResponse(connector=connector_to(connector))

    async def ListConnectors(
        self, request: connectors_pb2.ListConnectorsRequest, context: Context
    ) -> connectors_pb2.ListConnectorsResponse:
        """Return a page of connectors."""
        page, token = await self._connectors.page(request.page_size, request.page_token)
        return connectors_pb2.ListConnectorsResponse(connectors=map(connector_to, page), next_page_token=token)

    async def UpdateConnector(
        self, request: connectors_pb2.UpdateConnectorRequest, context: Context
    ) -> connectors_pb2.UpdateConnectorResponse:
        """Change how a connector is launched."""
        wanted = request.connector
        connector = await self._connectors.update(
            id_of("connectors", wanted.name, "connector.name"),
            program_from(wanted),
            wanted.etag,
            request.update_mask.paths,
            context.time_remaining(),
        )
        return connectors_pb2.UpdateConnectorResponse(connector=connector_to(connector))

    async def DeleteConnector(
        self, request: connectors_pb2.DeleteConnectorRequest, context: Context
    ) -> connectors_pb2.DeleteConnectorResponse:
        """Forget a connector."""
        await self._connectors.delete(id_of("connectors", request.name))
        return connectors_pb2.DeleteConnectorResponse()
