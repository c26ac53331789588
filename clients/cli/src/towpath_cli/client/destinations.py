"""Calls of DestinationService."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask
from towpath.connector.v1.connector_pb2 import CheckResult
from towpath.control.v1 import destinations_pb2 as pb
from towpath.control.v1.destinations_pb2_grpc import DestinationServiceStub

from towpath_cli.client.wire import Wire
from towpath_cli.json_values import JsonObject, to_text
from towpath_cli.names import resource_name, short_name

__all__ = ["Destinations"]

_PROBE_SECONDS = 180.0
"""A worker starts the connector, which waits for a remote system."""


class Destinations:
    """Configured destination connectors; secrets are masked in every answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = DestinationServiceStub(wire.channel)

    def all(self) -> Iterator[pb.Destination]:
        """Yield all, by name."""
        token = ""
        while True:
            page = self._wire.call(self._stub.ListDestinations, pb.ListDestinationsRequest(page_token=token))
            yield from page.destinations
            token = page.next_page_token
            if not token:
                return

    def get(self, name: str) -> pb.Destination:
        """Return one. Raises NotFound."""
        request = pb.GetDestinationRequest(name=resource_name("destinations", name))
        return self._wire.call(self._stub.GetDestination, request).destination

    def create(self, name: str, connector: str, config: JsonObject) -> pb.Destination:
        """Store a configuration. Raises Misconfigured with the fields at fault, Conflict when the id is taken."""
        destination = pb.Destination(connector=resource_name("connectors", connector), config_json=to_text(config))
        request = pb.CreateDestinationRequest(
            destination_id=short_name(resource_name("destinations", name)),
            destination=destination,
            request_id=str(uuid.uuid4()),
        )
        return self._wire.call(self._stub.CreateDestination, request).destination

    def update(self, name: str, config: JsonObject, etag: str = "") -> pb.Destination:
        """Replace the configuration; a secret given as the mask keeps its value. Raises Fenced for an outdated etag."""
        destination = pb.Destination(name=resource_name("destinations", name), config_json=to_text(config), etag=etag)
        request = pb.UpdateDestinationRequest(destination=destination, update_mask=FieldMask(paths=["config_json"]))
        return self._wire.call(self._stub.UpdateDestination, request).destination

    def delete(self, name: str) -> None:
        """Forget it. Raises Conflict while connections use it."""
        self._wire.call(
            self._stub.DeleteDestination, pb.DeleteDestinationRequest(name=resource_name("destinations", name))
        )

    def check(self, name: str) -> list[CheckResult]:
        """Run the connector's probes; failed probes are results. Raises Unavailable when no worker answers."""
        request = pb.CheckDestinationRequest(name=resource_name("destinations", name))
        return list(self._wire.call(self._stub.CheckDestination, request, _PROBE_SECONDS).results)

    def watch_check(self, name: str) -> Iterator[pb.WatchCheckDestinationResponse]:
        """Run the connector's probes; yields how far they have come, and all of them in the end. Raises as `check`."""
        request = pb.WatchCheckDestinationRequest(name=resource_name("destinations", name))
        return self._wire.stream(self._stub.WatchCheckDestination, request, _PROBE_SECONDS)
