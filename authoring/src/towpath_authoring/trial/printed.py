"""What a connector printed: lines of the SDK's logs made readable, all others as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

__all__ = ["printed_lines"]


def printed_lines(output: str) -> Iterator[str]:
    """Yield each line as it is to be shown; `output` is everything printed, standard error included."""
    for line in output.splitlines():
        event = _event(line)
        if event is None:
            yield f"printed: {line}"
            continue
        level, message = event.pop("level", "info"), event.pop("event")
        event.pop("timestamp", None)
        event.pop("logger", None)
        attributes = "".join(f" {key}={value}" for key, value in sorted(event.items()))
        yield f"log {level}: {message}{attributes}"


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", event) if isinstance(event, dict) and "event" in event else None
