"""When a connector is ready: when it answers `grpc.health.v1` with SERVING."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from towpath_worker.launch.channel import channel_to

__all__ = ["serving"]

_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    # The time that one attempt to connect may take, in spite of its name: a far or busy one needs more than a moment.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 250),
    ("grpc.enable_http_proxy", 0),
)


async def serving(address: str, socket: Path | None = None, certificate: bytes | None = None) -> None:
    """Return once the connector at `address` serves; `socket` is waited for first, if there is one. Never gives up."""
    while socket is not None and not socket.exists():  # noqa: ASYNC110, ASYNC240 - nobody could tell us; stat is quick
        await asyncio.sleep(0.01)
    async with channel_to(address, certificate, _OPTIONS) as channel:
        health = cast("Any", health_pb2_grpc.HealthStub(channel))
        while True:
            try:
                answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)
                continue
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            await asyncio.sleep(0.05)
