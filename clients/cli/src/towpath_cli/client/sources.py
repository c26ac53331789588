"""Calls of SourceService."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from google.protobuf.field_mask_pb2 import FieldMask
from towpath.connector.v1.connector_pb2 import CheckResult
from towpath.connector.v1.types_pb2 import StreamDescriptor, StreamName
from towpath.control.v1 import sources_pb2 as pb
from towpath.control.v1.previews_pb2 import StreamPreview
from towpath.control.v1.sources_pb2_grpc import SourceServiceStub

from towpath_cli.client.wire import Wire
from towpath_cli.json_values import JsonObject, to_text
from towpath_cli.names import resource_name, short_name

__all__ = ["Sources"]

_PROBE_SECONDS = 180.0
"""A worker starts the connector, which waits for a remote system."""

_DISCOVER_SECONDS = 600.0


class Sources:
    """Configured source connectors; secrets are masked in every answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = SourceServiceStub(wire.channel)

    def all(self) -> Iterator[pb.Source]:
        """Yield all, by name."""
        token = ""
        while True:
            page = self._wire.call(self._stub.ListSources, pb.ListSourcesRequest(page_token=token))
            yield from page.sources
            token = page.next_page_token
            if not token:
                return

    def get(self, name: str) -> pb.Source:
        """Return one. Raises NotFound."""
        request = pb.GetSourceRequest(name=resource_name("sources", name))
        return self._wire.call(self._stub.GetSource, request).source

    def create(self, name: str, connector: str, config: JsonObject) -> pb.Source:
        """Store a configuration. Raises Misconfigured with the fields at fault, Conflict when the id is taken."""
        source = pb.Source(connector=resource_name("connectors", connector), config_json=to_text(config))
        request = pb.CreateSourceRequest(
            source_id=short_name(resource_name("sources", name)), source=source, request_id=str(uuid.uuid4())
        )
        return self._wire.call(self._stub.CreateSource, request).source

    def update(self, name: str, config: JsonObject, etag: str = "") -> pb.Source:
        """Replace the configuration; a secret given as the mask keeps its value. Raises Fenced for an outdated etag."""
        source = pb.Source(name=resource_name("sources", name), config_json=to_text(config), etag=etag)
        request = pb.UpdateSourceRequest(source=source, update_mask=FieldMask(paths=["config_json"]))
        return self._wire.call(self._stub.UpdateSource, request).source

    def delete(self, name: str) -> None:
        """Forget it. Raises Conflict while connections use it."""
        self._wire.call(self._stub.DeleteSource, pb.DeleteSourceRequest(name=resource_name("sources", name)))

    def check(self, name: str) -> list[CheckResult]:
        """Run the connector's probes; failed probes are results. Raises Unavailable when no worker answers."""
        request = pb.CheckSourceRequest(name=resource_name("sources", name))
        return list(self._wire.call(self._stub.CheckSource, request, _PROBE_SECONDS).results)

    def watch_check(self, name: str) -> Iterator[pb.WatchCheckSourceResponse]:
        """Run the connector's probes; yields how far they have come, and all of them in the end. Raises as `check`."""
        request = pb.WatchCheckSourceRequest(name=resource_name("sources", name))
        return self._wire.stream(self._stub.WatchCheckSource, request, _PROBE_SECONDS)

    def discover(self, name: str) -> Iterator[StreamDescriptor]:
        """Yield the streams that it offers, in stable order. Raises Unavailable when no worker answers."""
        request = pb.DiscoverSourceRequest(name=resource_name("sources", name))
        for page in self._wire.stream(self._stub.DiscoverSource, request, _DISCOVER_SECONDS):
            yield from page.streams

    def preview(self, name: str, stream: StreamName, columns: Sequence[str] = (), max_rows: int = 0) -> StreamPreview:
        """Read the first rows of a stream. Raises Misconfigured for an unknown one, Unavailable without a worker."""
        request = pb.PreviewStreamRequest(
            name=resource_name("sources", name), stream=stream, columns=columns, max_rows=max_rows
        )
        return self._wire.call(self._stub.PreviewStream, request, _DISCOVER_SECONDS).preview
