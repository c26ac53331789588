"""The connectors that come with Towpath, and their registration."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from towpath_cli.client import Client
from towpath_sdk.errors import NotFound

__all__ = ["BuiltinConnector", "installed_connectors", "register"]


@dataclass(frozen=True)
class BuiltinConnector:
    """A connector of this distribution: its id, how it is started here, and its version."""

    id: str
    command: tuple[str, ...]
    version: str


def installed_connectors() -> Iterator[BuiltinConnector]:
    """Yield those that are installed in this environment."""
    for identifier in ("source-postgres", "source-faker", "destination-s3", "destination-local"):
        try:
            installed = version(f"towpath-{identifier}")
        except PackageNotFoundError:
            continue
        module = f"towpath_{identifier.replace('-', '_')}"
        yield BuiltinConnector(identifier, (sys.executable, "-m", module), installed)


def register(client: Client, connector: BuiltinConnector) -> bool:
    """Make the server know a connector as it is installed here; tells whether that changed anything.

    Blocks while a worker starts the connector, unless everything is known. Raises what the server raises.
    """
    try:
        present = client.connectors.get(connector.id)
    except NotFound:
        client.connectors.create(connector.id, connector.command)
        return True
    if tuple(present.command) == connector.command and present.spec.connector_version == connector.version:
        return False
    client.connectors.update(connector.id, connector.command, present.etag)
    return True
