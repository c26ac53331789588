"""Durations and sizes as people write and read them: `15m`, `64MiB`, `1.2 GB`."""

from __future__ import annotations

import re
from datetime import timedelta

from towpath_sdk.errors import Misconfigured

__all__ = ["bytes_text", "count_text", "duration_text", "parse_bytes", "parse_duration"]

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_STEP = 1024
_BYTES = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}


def parse_duration(text: str) -> timedelta:
    """Read `500ms`, `30s`, `15m`, `1h30m`, `1d`. Raises Misconfigured."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Misconfigured(f"`{text}` is no duration; write for instance 30s, 15m, 1h30m or 1d")
    return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))


def parse_bytes(text: str) -> int:
    """Read `1048576`, `64MiB`, `1.5GB`. Raises Misconfigured."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?i?B?)", text.strip(), re.IGNORECASE)
    unit = match[2].upper() if match else ""
    if not match or unit not in _BYTES:
        raise Misconfigured(f"`{text}` is no size; write for instance 1048576, 64MiB or 1GB")
    return int(float(match[1]) * _BYTES[unit])


def duration_text(duration: timedelta) -> str:
    """Write `1h30m`, `15m`, `12s`, `0.5s`: the form that `parse_duration` reads."""
    seconds = duration.total_seconds()
    if seconds < _SECONDS["m"]:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    text, rest = "", int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        text += f"{amount}{unit}" if amount else ""
    return text


def bytes_text(size: float) -> str:
    """Write a size in at most three digits and a binary unit: `0 B`, `12.3 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} TiB"


def count_text(count: float) -> str:
    """Write a count with separators: `1,234,567`."""
    return f"{count:,.0f}"
