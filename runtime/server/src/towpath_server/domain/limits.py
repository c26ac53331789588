"""What one container may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from towpath_sdk.errors import Misconfigured

__all__ = ["UNLIMITED", "ContainerLimits", "checked_limits"]

_MIB = 1024 * 1024
_LEAST = {"memory_bytes": 64 * _MIB, "cpu_millis": 50, "max_processes": 32, "temporary_bytes": _MIB}
_MOST = {"memory_bytes": 1 << 43, "cpu_millis": 1_000_000, "max_processes": 1 << 20, "temporary_bytes": 1 << 43}


@dataclass(frozen=True)
class ContainerLimits:
    """Memory and the size of /tmp in bytes, CPU in thousandths; zero means that somebody else decides."""

    memory_bytes: int = 0
    cpu_millis: int = 0
    max_processes: int = 0
    temporary_bytes: int = 0

    def over(self, others: ContainerLimits) -> ContainerLimits:
        """Return these limits, with the others' where these say nothing."""
        mine, theirs = asdict(self), asdict(others)
        return ContainerLimits(**{name: value or theirs[name] for name, value in mine.items()})


UNLIMITED = ContainerLimits()
"""Somebody else decides about everything."""


def checked_limits(limits: ContainerLimits, field: str) -> ContainerLimits:
    """Return `limits` if every value is in its range; raises Misconfigured naming those that are not, below `field`."""
    fields = {
        f"{field}.{name}": f"zero, or from {_LEAST[name]} to {_MOST[name]}"
        for name, value in asdict(limits).items()
        if value and not _LEAST[name] <= value <= _MOST[name]
    }
    if fields:
        raise Misconfigured("the limits are out of range", reason="INVALID_LIMITS", fields=fields)
    return limits
