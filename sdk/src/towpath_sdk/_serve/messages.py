"""Small messages of the data plane, serialized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from towpath.connector.v1 import types_pb2

from towpath_sdk.catalog import StreamName
from towpath_sdk.errors import TowpathError
from towpath_sdk.status import to_status

__all__ = ["LogLine", "log_entry", "stream_status"]

LogLine = Callable[[str, str, Mapping[str, object]], None]

_LEVELS = {
    "debug": types_pb2.LogEntry.LEVEL_DEBUG,
    "info": types_pb2.LogEntry.LEVEL_INFO,
    "warn": types_pb2.LogEntry.LEVEL_WARN,
    "warning": types_pb2.LogEntry.LEVEL_WARN,
    "error": types_pb2.LogEntry.LEVEL_ERROR,
}
_MAX_MESSAGE_BYTES = 16_384
_MAX_ATTRIBUTES = 50


def log_entry(
    level: str, event: str, attributes: Mapping[str, object], redact: Callable[[str], str]
) -> types_pb2.LogEntry:
    """Encode one line of the job's log, redacted and then shortened."""
    entry = types_pb2.LogEntry(
        level=_LEVELS.get(level.lower(), types_pb2.LogEntry.LEVEL_INFO),
        message=_clip(redact(event), _MAX_MESSAGE_BYTES),
    )
    for key, value in list(attributes.items())[:_MAX_ATTRIBUTES]:
        entry.attributes[key] = _clip(redact(str(value)), _MAX_MESSAGE_BYTES // 8)
    entry.time.FromDatetime(datetime.now(UTC))
    return entry


def stream_status(
    index: int,
    state: types_pb2.StreamStatus.State,
    failure: TowpathError | None = None,
    name: StreamName | None = None,
    redact: Callable[[str], str] | None = None,
) -> types_pb2.StreamStatus:
    """Encode the status of one stream."""
    status = types_pb2.StreamStatus(stream=index, state=state)
    if failure is not None:
        status.failure.CopyFrom(to_status(failure, stream=name, redact=redact))
    return status


def _clip(text: str, max_bytes: int) -> str:
    raw = text.encode("utf-8", "replace")
    return raw[:max_bytes].decode("utf-8", "ignore")
