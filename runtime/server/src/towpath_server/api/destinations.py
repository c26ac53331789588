"""towpath.control.v1.DestinationService."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from towpath.connector.v1 import connector_pb2
from towpath.control.v1 import destinations_pb2, destinations_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.domain.names import id_of
from towpath_server.use_cases.endpoints import Endpoints
from towpath_server.wire.connectors import destination_to

__all__ = ["DestinationService"]


class DestinationService(destinations_pb2_grpc.DestinationServiceServicer):
    """Keeps destinations."""

    def __init__(self, destinations: Endpoints) -> None:
        self._destinations = destinations

    async def CreateDestination(
        self, request: destinations_pb2.CreateDestinationRequest, context: Context
    ) -> destinations_pb2.CreateDestinationResponse:
        """Store a destination."""
        wanted = request.destination
        shown = await self._destinations.create(
            request.destination_id, wanted.connector, wanted.config_json, request.request_id
        )
        return destinations_pb2.CreateDestinationResponse(destination=destination_to(shown))

    async def GetDestination(
        self, request: destinations_pb2.GetDestinationRequest, context: Context
    ) -> destinations_pb2.GetDestinationResponse:
        """Return one destination."""
        return destinations_pb2.GetDestinationResponse(
            destination=destination_to(await self._destinations.get(id_of("destinations", request.name)))
        )

    async def ListDestinations(
        self, request: destinations_pb2.ListDestinationsRequest, context: Context
    ) -> destinations_pb2.ListDestinationsResponse:
        """Return a page of destinations."""
        page, token = await self._destinations.page(request.page_size, request.page_token)
        return destinations_pb2.ListDestinationsResponse(destinations=map(destination_to, page), next_page_token=token)

    async def UpdateDestination(
        self, request: destinations_pb2.UpdateDestinationRequest, context: Context
    ) -> destinations_pb2.UpdateDestinationResponse:
        """Change a destination."""
        wanted = request.destination
        shown = await self._destinations.update(
            id_of("destinations", wanted.name, "destination.name"),
            wanted.connector,
            wanted.config_json,
            wanted.etag,
            request.update_mask.paths,
        )
        return destinations_pb2.UpdateDestinationResponse(destination=destination_to(shown))

    async def DeleteDestination(
        self, request: destinations_pb2.DeleteDestinationRequest, context: Context
    ) -> destinations_pb2.DeleteDestinationResponse:
        """Forget a destination."""
        await self._destinations.delete(id_of("destinations", request.name))
        return destinations_pb2.DeleteDestinationResponse()

    async def CheckDestination(
        self, request: destinations_pb2.CheckDestinationRequest, context: Context
    ) -> destinations_pb2.CheckDestinationResponse:
        """Run the probes of a destination."""
        wire = await self._destinations.check(id_of("destinations", request.name), context.time_remaining())
        return destinations_pb2.CheckDestinationResponse(results=connector_pb2.CheckResponse.FromString(wire).results)

    async def WatchCheckDestination(
        self, request: destinations_pb2.WatchCheckDestinationRequest, context: Context
    ) -> AsyncGenerator[destinations_pb2.WatchCheckDestinationResponse]:
        """Run the probes of a destination, and tell how far they have come."""
        reports = self._destinations.watch_check(id_of("destinations", request.name), context.time_remaining())
        async with aclosing(reports):
            async for report in reports:
                results = connector_pb2.CheckResponse.FromString(report.results).results
                yield destinations_pb2.WatchCheckDestinationResponse(results=results, running=report.running)
