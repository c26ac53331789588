"""The synchronous client of towpath.control.v1: the only place of the command line that knows gRPC."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from towpath_sdk.errors import Unavailable

from towpath_cli.client.access import Audit, Tokens
from towpath_cli.client.connections import Connections
from towpath_cli.client.connectors import Connectors
from towpath_cli.client.destinations import Destinations
from towpath_cli.client.jobs import Jobs
from towpath_cli.client.nearby import Missing, look_around
from towpath_cli.client.sources import Sources
from towpath_cli.client.wire import SERVER_UNREACHABLE, Wire
from towpath_cli.target import Target

__all__ = ["SERVER_UNREACHABLE", "Client", "Missing"]

_JOBS_IN_VIEW = 200


class Client:
    """All resources of one server. A context manager that closes its channel.

    Methods take resource names or ids, return the messages of towpath.control.v1, and raise the errors of
    `towpath_sdk.errors`; Unavailable with the reason SERVER_UNREACHABLE when there is no server. A NotFound that leaves
    the context is a `Missing` that knows similar names.
    """

    def __init__(self, target: Target) -> None:
        self.wire = Wire(target)
        self.connectors = Connectors(self.wire)
        self.sources = Sources(self.wire)
        self.destinations = Destinations(self.wire)
        self.connections = Connections(self.wire)
        self.jobs = Jobs(self.wire)
        self.tokens = Tokens(self.wire)
        self.audit = Audit(self.wire)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Missing):
            look_around(
                error,
                {
                    "connectors": lambda: (one.name for one in self.connectors.all()),
                    "sources": lambda: (one.name for one in self.sources.all()),
                    "destinations": lambda: (one.name for one in self.destinations.all()),
                    "connections": lambda: (one.name for one in self.connections.all()),
                    "tokens": lambda: (one.name for one in self.tokens.all()),
                    "jobs": lambda: (one.name for one in self.jobs.all(limit=_JOBS_IN_VIEW)),
                },
            )
        self.wire.close()

    def wait_until_healthy(self, seconds: float) -> None:
        """Return when the server serves. Raises Unavailable after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.wire.healthy():
            if time.monotonic() >= deadline:
                address = self.wire.target.address
                raise Unavailable(f"the server at {address} did not become ready in {seconds:.0f} s")
            time.sleep(0.1)
