"""A connector that somebody else has started: only its address is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from grpc_health.v1 import health_pb2

from towpath_conformance.peer import Peer
from towpath_conformance.targets.port import Instance, StartFailed

__all__ = ["EndpointTarget", "serving"]


@dataclass(frozen=True)
class EndpointTarget:
    """An address (`unix:/path` or `host:port`), and the token that it wants, if any."""

    address: str
    token: str | None = None
    can_start: bool = False

    @property
    def name(self) -> str:
        """As on the command line."""
        return f"--endpoint {self.address}"

    @asynccontextmanager
    async def start(
        self, ready_seconds: float, *, environ: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Instance]:
        """Connect; nothing is started, and `environ` reaches nobody."""
        del environ
        peer = Peer(self.address, self.token)
        try:
            if not await serving(peer, ready_seconds):
                raise StartFailed(f"nothing at {self.address} was SERVING within {ready_seconds:g} s")
            yield Instance(self.address, self.token, peer)
        finally:
            await peer.close()


async def serving(peer: Peer, seconds: float, socket: Path | None = None) -> bool:
    """Ask for health until it is SERVING; False when that takes longer than `seconds`.

    Nothing is asked before the `socket` is there, if there will be one: to look for it costs next to nothing.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (left := deadline - loop.time()) > 0:
        if not _is_there(socket):
            await asyncio.sleep(0.01)
            continue
        answer = await peer.health(max(0.05, min(1.0, left)))
        if answer.failure is None and answer.responses[0].status == health_pb2.HealthCheckResponse.SERVING:
            return True
        await asyncio.sleep(0.01)
    return False


def _is_there(socket: Path | None) -> bool:
    return socket is None or socket.exists()
