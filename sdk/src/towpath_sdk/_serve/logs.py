"""Logs of a connector process: JSON lines on standard error, redacted, whoever writes them.

The SDK's events, the author's `logging` and `structlog`, and what is printed to standard output or error all end here.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog

from towpath_sdk.redaction import Redactor

__all__ = ["KnownSecrets", "configure_logs"]

_MAX_SECRETS = 2000
_MAX_LINE_CHARS = 16_384


class KnownSecrets:
    """Every secret that this process was given, also after the call that brought it: logs are written late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: OrderedDict[str, None] = OrderedDict()
        self._redactor = Redactor()

    def remember(self, redactor: Redactor) -> None:
        """Redact these secrets from now on; of very many, the oldest are forgotten."""
        with self._lock:
            new = redactor.secrets - self._secrets.keys()
            for secret in redactor.secrets:
                self._secrets[secret] = None
                self._secrets.move_to_end(secret)
            while len(self._secrets) > _MAX_SECRETS:
                self._secrets.popitem(last=False)
            if new:
                self._redactor = Redactor(self._secrets)

    def redact(self, text: str) -> str:
        """Mask every known secret."""
        return self._redactor.redact(text)

    @property
    def longest(self) -> int:
        """Characters of the longest spelling of a secret."""
        return self._redactor.longest


def configure_logs(secrets: KnownSecrets, level: str = "INFO") -> None:
    """Send all logs of this process, and what it prints, as redacted JSON lines to standard error."""
    target = sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]

    def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {key: _clean(value, secrets) for key, value in event.items()}

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    sys.stdout = _PrintedLines(target, "stdout", secrets)
    sys.stderr = _PrintedLines(target, "stderr", secrets)


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
