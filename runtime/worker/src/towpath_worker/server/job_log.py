"""The log of a job: lines of both connectors and of the worker, redacted, in batches to the server.

The queue is bounded; when the server is away for long, the newest lines are dropped and their number is said later. A
log never stops a sync.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from types import TracebackType
from typing import Any, Self, cast

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from towpath.connector.v1 import types_pb2
from towpath.control.v1 import jobs_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.redaction import Redactor

from towpath_worker.failures import Located, Origin, shorten
from towpath_worker.server.channel import ServerChannel, for_seconds

__all__ = ["JobLog"]

_MAX_QUEUED_BYTES = 4 * 1024 * 1024
_MAX_BATCH_LINES = 500
_MAX_BATCH_BYTES = 1024 * 1024
_MAX_MESSAGE = 16 * 1024
_MAX_ATTRIBUTE = 4 * 1024
_INTERVAL = 0.25
_FAREWELL = 3.0

_Level = types_pb2.LogEntry.Level

_log = structlog.get_logger("towpath_worker.job")


class JobLog:
    """Use as an async context manager; leaving sends what is queued, for some seconds at most. Implements `Journal`."""

    def __init__(self, server: ServerChannel, job: str, *, attempt: int) -> None:
        self.redactor = Redactor()
        self._attempt = attempt
        self._server = server
        self._job = job
        self._run = uuid.uuid4().hex
        self._batches = 0
        self._queue: deque[jobs_pb2.LogLine] = deque()
        self._queued_bytes = 0
        self._dropped = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._sender: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to send."""
        self._sender = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is queued."""
        self._closing = True
        self._wake.set()
        if self._sender is not None:
            _, late = await asyncio.wait({self._sender}, timeout=_FAREWELL)
            for task in late:
                task.cancel()

    def note(
        self,
        origin: Origin,
        level: _Level,
        message: str,
        *,
        stream: types_pb2.StreamName | None = None,
        **attributes: object,
    ) -> None:
        """Add one line of the worker's own making."""
        said = {name: str(value) for name, value in attributes.items()}
        self._push(self._line(origin, level, message, said, stream))

    def entry(self, origin: Origin, entry: types_pb2.LogEntry, stream: types_pb2.StreamName | None) -> None:
        """Add what a connector logged."""
        level = entry.level or types_pb2.LogEntry.LEVEL_INFO
        time = entry.time if entry.HasField("time") else None
        self._push(self._line(origin, level, entry.message, dict(entry.attributes), stream, time))

    def printed(self, origin: Origin, line: str) -> None:
        """Add what a connector printed; a line of JSON as structlog writes it keeps its level and attributes."""
        level, message, attributes = _structured(line)
        self._push(self._line(origin, level, message, attributes))

    def _line(
        self,
        origin: Origin,
        level: _Level,
        message: str,
        attributes: dict[str, str],
        stream: types_pb2.StreamName | None = None,
        time: Timestamp | None = None,
    ) -> jobs_pb2.LogLine:
        redact = self.redactor.redact
        line = jobs_pb2.LogLine(
            level=level,
            origin=origin,
            message=shorten(redact(message), _MAX_MESSAGE),
            attributes={redact(key): shorten(redact(value), _MAX_ATTRIBUTE) for key, value in attributes.items()},
            stream=stream,
            attempt=self._attempt,
        )
        if time is None:
            line.time.GetCurrentTime()
        else:
            line.time.CopyFrom(time)
        return line

    def _push(self, line: jobs_pb2.LogLine) -> None:
        if self._queued_bytes >= _MAX_QUEUED_BYTES:
            self._dropped += 1
            return
        self._queue.append(line)
        self._queued_bytes += line.ByteSize()
        self._wake.set()

    async def _send(self) -> None:
        while not (self._closing and not self._queue):
            await self._wake.wait()
            if not self._closing:
                await asyncio.sleep(_INTERVAL)  # lines come in bursts: one call takes them all
            while (lines := self._take()) and await self._append(lines):
                pass
            self._wake.clear()
            if self._closing or self._queue:
                self._wake.set()

    def _take(self) -> list[jobs_pb2.LogLine]:
        lines: list[jobs_pb2.LogLine] = []
        size = 0
        while self._queue and len(lines) < _MAX_BATCH_LINES and size < _MAX_BATCH_BYTES:
            line = self._queue.popleft()
            size += line.ByteSize()
            lines.append(line)
        self._queued_bytes -= size
        return lines

    async def _append(self, lines: list[jobs_pb2.LogLine]) -> bool:
        """Send lines, the last ones with the number of those that were dropped; returns whether they are stored.

        That number waits for lines that are sent anyway: where the server refuses every call, it would follow itself.
        """
        self._batches += 1
        request = worker_pb2.AppendLogsRequest(job=self._job, lines=lines, batch_id=f"{self._run}-{self._batches}")
        told = 0 if self._queue else self._dropped
        if told:
            message = f"{told} log lines were dropped, because they came faster than the server took them"
            request.lines.append(self._line("worker", types_pb2.LogEntry.LEVEL_WARN, message, {}))
        try:
            await self._server.call(self._server.runs.AppendLogs, request, patience=for_seconds(60.0))
        except Located as failure:
            self._dropped += len(lines)
            _log.warning("log lines could not be stored", job=self._job, lines=len(lines), error=str(failure.error))
            return False
        self._dropped -= told
        return True


def _structured(line: str) -> tuple[_Level, str, dict[str, str]]:
    info = types_pb2.LogEntry.LEVEL_INFO
    if not line.startswith("{"):
        return info, line, {}
    try:
        fields = json.loads(line)
    except ValueError:
        return info, line, {}
    if not isinstance(fields, dict) or "event" not in fields:
        return info, line, {}
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in cast("dict[str, Any]", fields).items()
    }
    level = _LEVELS.get(texts.pop("level", "info").lower(), info)
    texts.pop("timestamp", None)
    return level, texts.pop("event"), texts


_LEVELS = {
    "debug": types_pb2.LogEntry.LEVEL_DEBUG,
    "info": types_pb2.LogEntry.LEVEL_INFO,
    "warn": types_pb2.LogEntry.LEVEL_WARN,
    "warning": types_pb2.LogEntry.LEVEL_WARN,
    "error": types_pb2.LogEntry.LEVEL_ERROR,
    "critical": types_pb2.LogEntry.LEVEL_ERROR,
}
