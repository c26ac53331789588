"""What every activity of one worker shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from towpath_worker.connectors import Parking
from towpath_worker.launch import Launcher
from towpath_worker.server import ServerChannel

__all__ = ["Parts"]


@dataclass(frozen=True)
class Parts:
    """The server, the launcher, the worker's name for people, the bytes that a job may have in flight, and parking."""

    server: ServerChannel
    launcher: Launcher
    identity: str
    in_flight_bytes: int = 64 * 1024 * 1024
    parking: Parking = field(default_factory=Parking)
