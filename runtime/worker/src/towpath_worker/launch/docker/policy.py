"""What containers of this worker may use when nobody said otherwise, and when images are pulled."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal, TypeAlias

from towpath_worker.launch.port import Limits

__all__ = ["SUBNET_PREFIX", "ContainerPolicy", "PullPolicy", "Reach"]

PullPolicy: TypeAlias = Literal["missing", "always", "never"]

Reach: TypeAlias = Literal["auto", "socket", "address", "port"]
"""By a socket in a shared folder, by the container's own address, by a port of the engine's machine; `auto` is the
socket where the engine is reached by one, and else the port."""

SUBNET_PREFIX = 28
"""Bits of the network of one container, which needs two addresses."""

MIB = 1024 * 1024


_LIMITS = Limits(memory_bytes=1024 * MIB, cpu_millis=1000, max_processes=256, temporary_bytes=256 * MIB)
_SUBNETS = IPv4Network("10.213.0.0/16")


@dataclass(frozen=True)
class ContainerPolicy:
    """The worker's defaults. `subnets` is cut into networks of 16 addresses, one for each container."""

    limits: Limits = _LIMITS
    pull: PullPolicy = "missing"
    reach: Reach = "auto"
    subnets: IPv4Network = _SUBNETS

    def limits_for(self, asked: Limits) -> Limits:
        """Fill in what is not asked for."""
        mine = self.limits
        return Limits(
            memory_bytes=asked.memory_bytes or mine.memory_bytes,
            cpu_millis=asked.cpu_millis or mine.cpu_millis,
            max_processes=asked.max_processes or mine.max_processes,
            temporary_bytes=asked.temporary_bytes or mine.temporary_bytes,
        )
