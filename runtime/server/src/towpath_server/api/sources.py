"""towpath.control.v1.SourceService."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from towpath.connector.v1 import connector_pb2
from towpath.control.v1 import previews_pb2, sources_pb2, sources_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.api.portions import portions
from towpath_server.domain.names import id_of
from towpath_server.use_cases.endpoints import Endpoints
from towpath_server.use_cases.previews import Previews
from towpath_server.wire.common import name_from
from towpath_server.wire.connectors import source_to

__all__ = ["SourceService"]


class SourceService(sources_pb2_grpc.SourceServiceServicer):
    """Keeps sources."""

    def __init__(self, sources: Endpoints, previews: Previews) -> None:
        self._sources = sources
        self._previews = previews

    async def CreateSource(
        self, request: sources_pb2.CreateSourceRequest, context: Context
    ) -> sources_pb2.CreateSourceResponse:
        """Store a source."""
        wanted = request.source
        shown = await self._sources.create(request.source_id, wanted.connector, wanted.config_json, request.request_id)
        return sources_pb2.CreateSourceResponse(source=source_to(shown))

    async def GetSource(self, request: sources_pb2.GetSourceRequest, context: Context) -> sources_pb2.GetSourceResponse:
        """Return one source."""
        return sources_pb2.GetSourceResponse(source=source_to(await self._sources.get(id_of("sources", request.name))))

    async def ListSources(
        self, request: sources_pb2.ListSourcesRequest, context: Context
    ) -> sources_pb2.ListSourcesResponse:
        """Return a page of sources."""
        page, token = await self._sources.page(request.page_size, request.page_token)
        return sources_pb2.ListSourcesResponse(sources=map(source_to, page), next_page_token=token)

    async def UpdateSource(
        self, request: sources_pb2.UpdateSourceRequest, context: Context
    ) -> sources_pb2.UpdateSourceResponse:
        """Change a source."""
        wanted = request.source
        shown = await self._sources.update(
            id_of("sources", wanted.name, "source.name"),
            wanted.connector,
            wanted.config_json,
            wanted.etag,
            request.update_mask.paths,
        )
        return sources_pb2.UpdateSourceResponse(source=source_to(shown))

    async def DeleteSource(
        self, request: sources_pb2.DeleteSourceRequest, context: Context
    ) -> sources_pb2.DeleteSourceResponse:
        """Forget a source."""
        await self._sources.delete(id_of("sources", request.name))
        return sources_pb2.DeleteSourceResponse()

    async def CheckSource(
        self, request: sources_pb2.CheckSourceRequest, context: Context
    ) -> sources_pb2.CheckSourceResponse:
        """Run the probes of a source."""
        wire = await self._sources.check(id_of("sources", request.name), context.time_remaining())
        return sources_pb2.CheckSourceResponse(results=connector_pb2.CheckResponse.FromString(wire).results)

    async def WatchCheckSource(
        self, request: sources_pb2.WatchCheckSourceRequest, context: Context
    ) -> AsyncGenerator[sources_pb2.WatchCheckSourceResponse]:
        """Run the probes of a source, and tell how far they have come."""
        reports = self._sources.watch_check(id_of("sources", request.name), context.time_remaining())
        async with aclosing(reports):
            async for report in reports:
                results = connector_pb2.CheckResponse.FromString(report.results).results
                yield sources_pb2.WatchCheckSourceResponse(results=results, running=report.running)

    async def DiscoverSource(
        self, request: sources_pb2.DiscoverSourceRequest, context: Context
    ) -> AsyncGenerator[sources_pb2.DiscoverSourceResponse]:
        """Stream the catalog of a source in pages."""
        wire = await self._sources.discover(id_of("sources", request.name), context.time_remaining())
        for streams in portions(connector_pb2.DiscoverResponse.FromString(wire).streams):
            yield sources_pb2.DiscoverSourceResponse(streams=streams)

    async def PreviewStream(
        self, request: sources_pb2.PreviewStreamRequest, context: Context
    ) -> sources_pb2.PreviewStreamResponse:
        """Show the first rows of a stream."""
        wire = await self._previews.rows(
            id_of("sources", request.name),
            name_from(request.stream),
            request.columns,
            request.max_rows,
            context.time_remaining(),
        )
        return sources_pb2.PreviewStreamResponse(preview=previews_pb2.StreamPreview.FromString(wire))
