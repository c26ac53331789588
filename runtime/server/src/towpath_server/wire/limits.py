"""What containers may use."""

from __future__ import annotations

from dataclasses import asdict

from towpath.control.v1 import limits_pb2

from towpath_server.domain.limits import UNLIMITED, ContainerLimits

__all__ = ["limits_from", "limits_to"]


def limits_from(message: limits_pb2.ContainerLimits) -> ContainerLimits:
    """Decode limits; absent ones say nothing."""
    return ContainerLimits(
        memory_bytes=message.memory_bytes,
        cpu_millis=message.cpu_millis,
        max_processes=message.max_processes,
        temporary_bytes=message.temporary_bytes,
    )


def limits_to(limits: ContainerLimits) -> limits_pb2.ContainerLimits | None:
    """Encode limits; None when they say nothing."""
    return limits_pb2.ContainerLimits(**asdict(limits)) if limits != UNLIMITED else None
