"""Limits of containers as people write and read them: `memory=512MiB,cpus=0.5,processes=128,temporary=64MiB`."""

from __future__ import annotations

from collections.abc import Mapping

from towpath.control.v1.limits_pb2 import ContainerLimits
from towpath_sdk.errors import Misconfigured

from towpath_cli.units import bytes_text, parse_bytes

__all__ = ["LIMIT_WORDS", "limits_of", "limits_text", "parse_limits"]

LIMIT_WORDS = ("memory", "cpus", "processes", "temporary")
"""What can be limited."""

_MOST = 0xFFFFFFFF


def parse_limits(text: str) -> ContainerLimits:
    """Read `memory=512MiB,cpus=0.5`; an empty text takes all limits away. Raises Misconfigured."""
    values: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word, equals, value = part.partition("=")
        if not equals or word not in LIMIT_WORDS:
            raise Misconfigured(f"`{part}` is no limit; write WORD=VALUE with one of: {', '.join(LIMIT_WORDS)}")
        values[word] = value
    return limits_of(values)


def limits_of(values: Mapping[str, object]) -> ContainerLimits:
    """Return limits from values by word; sizes may be text. Raises Misconfigured."""
    return ContainerLimits(
        memory_bytes=parse_bytes(str(values.get("memory", 0))),
        cpu_millis=round(_number("cpus", values.get("cpus", 0)) * 1000),
        max_processes=round(_number("processes", values.get("processes", 0))),
        temporary_bytes=parse_bytes(str(values.get("temporary", 0))),
    )


def limits_text(limits: ContainerLimits) -> str:
    """Write limits, in words; empty when there are none."""
    parts = {
        "memory": bytes_text(limits.memory_bytes) if limits.memory_bytes else "",
        "cpus": f"{limits.cpu_millis / 1000:g}" if limits.cpu_millis else "",
        "processes": str(limits.max_processes or ""),
        "temporary": bytes_text(limits.temporary_bytes) if limits.temporary_bytes else "",
    }
    return ", ".join(f"{word} {value}" for word, value in parts.items() if value)


def _number(word: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number * 1000 <= _MOST:
        raise Misconfigured(f"`{word}={value}` is no limit; write a number")
    return number
