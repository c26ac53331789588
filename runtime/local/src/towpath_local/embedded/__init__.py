"""Real servers started from wheels: for `towpath up`, the demo and the tests, nothing to install by hand.

A server is loaded when it is first asked for: `towpath up` needs none but Temporal, and does not wait for boto3.
"""

from __future__ import annotations

import importlib
import typing

if typing.TYPE_CHECKING:
    from towpath_local.embedded.errors import (
        BinaryMissing,
        DirectoryInUse,
        EmbeddedServerError,
        PortInUse,
        ServerExited,
        ServerNotReady,
    )
    from towpath_local.embedded.postgres import EmbeddedPostgres
    from towpath_local.embedded.s3 import EmbeddedS3
    from towpath_local.embedded.server import EmbeddedServer
    from towpath_local.embedded.temporal import EmbeddedTemporal

__all__ = [
    "BinaryMissing",
    "DirectoryInUse",
    "EmbeddedPostgres",
    "EmbeddedS3",
    "EmbeddedServer",
    "EmbeddedServerError",
    "EmbeddedTemporal",
    "PortInUse",
    "ServerExited",
    "ServerNotReady",
]

_HOMES = {
    "EmbeddedPostgres": "postgres",
    "EmbeddedS3": "s3",
    "EmbeddedServer": "server",
    "EmbeddedTemporal": "temporal",
}
"""Modules of the names that are not in `errors`."""


def __getattr__(name: str) -> object:
    """Load a name from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}")
    value = globals()[name] = getattr(home, name)
    return value
