"""Logs of a connector process: JSON lines on standard error, redacted, whoever writes them.

The SDK's events, the author's `logging` and `structlog`, and what is printed to standard output or error all end here.
The SDK itself writes with the standard library: to import structlog, and rich with it where that is installed, takes a
sixth of the CPU time that a connector needs to start, so it is taken in only where the author has imported it.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO, cast

from towpath_sdk import traces
from towpath_sdk.redaction import KnownSecrets

__all__ = ["OF_EVERY_RECORD", "configure_logs"]

_MAX_LINE_CHARS = 16_384
OF_EVERY_RECORD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
"""What is an attribute of a record that came with nothing extra."""


def configure_logs(secrets: KnownSecrets, level: str = "INFO") -> None:
    """Send all logs of this process, and what it prints, as redacted JSON lines to standard error."""
    target = sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_JsonLines(secrets))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    if "structlog" in sys.modules:
        from towpath_sdk._serve.structured import log_through_logging  # noqa: PLC0415 only where it is there anyway

        log_through_logging()
    sys.stdout = _PrintedLines(target, "stdout", secrets)
    sys.stderr = _PrintedLines(target, "stderr", secrets)


class _JsonLines(logging.Formatter):
    """An object for each record: the message, what came with it as `extra`, and who said it when."""

    def __init__(self, secrets: KnownSecrets) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {"event": record.getMessage()}
        event |= {key: value for key, value in vars(record).items() if key not in OF_EVERY_RECORD}
        event |= {
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        traces.with_trace_id(None, "", event)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            event["stack"] = self.formatStack(record.stack_info)
        return json.dumps(_clean(event, self._secrets))


class _PrintedLines(io.TextIOBase):
    """Stands in for standard output and error: each printed line becomes an event."""

    def __init__(self, target: TextIO, name: str, secrets: KnownSecrets) -> None:
        super().__init__()
        self._target = target
        self._name = name
        self._secrets = secrets
        self._lock = threading.Lock()
        self._rest = ""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._target.fileno()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, rest = (self._rest + text).split("\n")
            if len(rest) > _MAX_LINE_CHARS:
                # Its end may be the beginning of a secret: that much waits for what follows.
                rest = self._secrets.redact(rest)
                cut = max(0, len(rest) - self._secrets.longest)
                lines.append(rest[:cut])
                rest = rest[cut:]
            self._rest = rest
        for line in lines:
            if line.strip():
                self._emit(line)
        return len(text)

    def flush(self) -> None:
        self._target.flush()

    def _emit(self, line: str) -> None:
        event = {"event": self._secrets.redact(line), "printed_to": self._name, "level": "info"}
        self._target.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._target.flush()


def _clean(value: Any, secrets: KnownSecrets) -> Any:
    if isinstance(value, str):
        return secrets.redact(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {key: _clean(item, secrets) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_clean(item, secrets) for item in cast("list[Any]", value)]
    return secrets.redact(str(value))
