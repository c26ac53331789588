"""What every service is given beside the request."""

from __future__ import annotations

from typing import Any

from grpc import aio

__all__ = ["Context"]

Context = aio.ServicerContext[Any, Any]
"""Context of one call."""
