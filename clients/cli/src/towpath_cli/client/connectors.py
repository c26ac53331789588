"""Calls of ConnectorService."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf.field_mask_pb2 import FieldMask
from towpath.control.v1 import connectors_pb2 as pb
from towpath.control.v1.connectors_pb2_grpc import ConnectorServiceStub
from towpath.control.v1.limits_pb2 import ContainerLimits

from towpath_cli.client.wire import Wire
from towpath_cli.names import resource_name, short_name

__all__ = ["Connectors"]

_LAUNCH_SECONDS = 120.0
"""A worker starts the connector to learn its spec."""


class Connectors:
    """Registered connectors."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = ConnectorServiceStub(wire.channel)

    def all(self) -> Iterator[pb.Connector]:
        """Yield all, by name."""
        token = ""
        while True:
            page = self._wire.call(self._stub.ListConnectors, pb.ListConnectorsRequest(page_token=token))
            yield from page.connectors
            token = page.next_page_token
            if not token:
                return

    def get(self, name: str) -> pb.Connector:
        """Return one. Raises NotFound."""
        request = pb.GetConnectorRequest(name=resource_name("connectors", name))
        return self._wire.call(self._stub.GetConnector, request).connector

    def create(
        self, name: str, command: Sequence[str] = (), *, image: str = "", limits: ContainerLimits | None = None
    ) -> pb.Connector:
        """Register a command or an image; blocks while a worker learns its spec. Raises Conflict when the id is taken.

        `limits` bound the containers of an image.
        """
        request = pb.CreateConnectorRequest(
            connector_id=short_name(resource_name("connectors", name)),
            connector=pb.Connector(command=command, image=image, limits=limits),
        )
        return self._wire.call(self._stub.CreateConnector, request, _LAUNCH_SECONDS).connector

    def update(
        self,
        name: str,
        command: Sequence[str] = (),
        etag: str = "",
        *,
        image: str = "",
        limits: ContainerLimits | None = None,
    ) -> pb.Connector:
        """Change how it is launched, all of it, and read its spec again."""
        connector = pb.Connector(
            name=resource_name("connectors", name), command=command, etag=etag, image=image, limits=limits
        )
        mask = FieldMask(paths=["command", "image", "limits"])
        request = pb.UpdateConnectorRequest(connector=connector, update_mask=mask)
        return self._wire.call(self._stub.UpdateConnector, request, _LAUNCH_SECONDS).connector

    def delete(self, name: str) -> None:
        """Forget it. Raises Conflict while it is used."""
        request = pb.DeleteConnectorRequest(name=resource_name("connectors", name))
        self._wire.call(self._stub.DeleteConnector, request)
