"""Ways of serving a good connector wrongly."""

from __future__ import annotations

import os
from typing import Any

from towpath_sdk import Destination, Source, serve
from towpath_sdk._serve.limits import Limits

__all__ = ["serve_as_an_orphan", "serve_cutting_by", "serve_without_draining"]


def serve_without_draining(part: Source[Any] | Destination[Any]) -> None:
    """Serve, and cancel all calls at SIGTERM."""
    os.environ["TOWPATH_DRAIN_SECONDS"] = "0.001"
    serve(part, argv=[])


def serve_as_an_orphan(part: Source[Any] | Destination[Any]) -> None:
    """Serve, whether or not anybody is there who started it."""
    os.environ.pop("TOWPATH_EXIT_WITH_PARENT", None)
    serve(part, argv=[])


def serve_cutting_by(limit: str, part: Source[Any]) -> None:
    """Serve a source with batches that are cut by one of both limits, and not by the other."""

    def payload_bytes(limits: Limits) -> int:
        return max(0, int(getattr(limits, limit)) - 64)

    Limits.payload_bytes = property(payload_bytes)  # type: ignore[assignment,misc]
    serve(part, argv=[])
