"""Where the lines go that a connector prints: to the log of whoever uses it now."""

from __future__ import annotations

from collections import deque

from towpath_sdk.redaction import Redactor

from towpath_worker.failures import Origin
from towpath_worker.server.job_log import JobLog

__all__ = ["PrintedTo"]

_KEPT = 200


class PrintedTo:
    """Passes lines on to a log, which it teaches the connector's secrets; without one it keeps the last 200."""

    def __init__(self, origin: Origin, redactor: Redactor, log: JobLog | None) -> None:
        self._origin: Origin = origin
        self._redactor = redactor
        self._kept: deque[str] = deque(maxlen=_KEPT)
        self._log: JobLog | None = None
        self.attach(log)

    def attach(self, log: JobLog | None) -> None:
        """Pass lines on to `log` from now on, those first that were kept; None keeps them."""
        self._log = log
        if log is None:
            return
        log.redactor |= self._redactor
        while self._kept:
            log.printed(self._origin, self._kept.popleft())

    def take(self, line: str) -> None:
        """Take one line."""
        if self._log is None:
            self._kept.append(line)
        else:
            self._log.printed(self._origin, line)
