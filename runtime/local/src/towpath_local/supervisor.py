"""Starts services in order, starts again what ends by itself, and stops all in the opposite order.

Everything happens in the thread that calls; the services' processes are what runs beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from towpath_local.embedded import EmbeddedServerError
from towpath_local.embedded.process import log_tail
from towpath_local.services import Service

__all__ = ["Supervisor"]

_PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before each try to start a service again; the last one repeats."""

_STABLE_SECONDS = 30.0
"""A service that ran so long is trusted again: its next end is its first."""


_HOPELESS = 3
"""So often started again, without ever being stable."""

_LOG_LINES = 10


@dataclass
class _Health:
    """How a service did lately; times are those of the monotonic clock."""

    started: float = 0.0
    failures: int = 0
    next_start: float | None = None


class Supervisor:
    """Keeps services running. `report` is told in one line what happened, `changed` that process ids are new."""

    def __init__(
        self, services: Mapping[str, Service], report: Callable[[str], None], changed: Callable[[dict[str, int]], None]
    ) -> None:
        self._services = dict(services)
        self._report = report
        self._changed = changed
        self._health = {name: _Health() for name in services}

    def start(self) -> None:
        """Start all, each when the one before is ready.

        Raises EmbeddedServerError when one does not start; those that were started are for the caller to stop.
        """
        for name, service in self._services.items():
            service.start()
            self._health[name].started = time.monotonic()
        self._changed(self.process_ids())

    def tend(self) -> None:
        """Look after each service once: start again what ended, unless it is too early for another try."""
        for name, service in self._services.items():
            if not service.running:
                self._start_again(name, service)

    def hopeless(self) -> str | None:
        """Say which service ends each time that it is started, with the end of its log; None when none does."""
        for name, service in self._services.items():
            if self._health[name].failures >= _HOPELESS:
                end = "".join(f"\n  {line}" for line in log_tail(service.log, lines=_LOG_LINES))
                return f"{name} ends each time that it is started; the end of {service.log}:{end}"
        return None

    def stop(self) -> None:
        """Stop all, the last started first."""
        for service in reversed(self._services.values()):
            service.stop()
        self._changed({})

    def kill(self) -> None:
        """End all at once."""
        for service in reversed(self._services.values()):
            service.kill()
        self._changed({})

    def process_ids(self) -> dict[str, int]:
        """Process ids of what runs, by name."""
        return {name: service.pid for name, service in self._services.items() if service.running}

    def _start_again(self, name: str, service: Service) -> None:
        health, now = self._health[name], time.monotonic()
        if health.next_start is None:
            if now - health.started >= _STABLE_SECONDS:
                health.failures = 0
            pause = _PAUSES[min(health.failures, len(_PAUSES) - 1)]
            health.next_start = now + pause
            when = f" in {pause:g} s; its log is {service.log}" if pause else ""
            self._report(f"{name} ended by itself; starting it again{when}")
        if now < health.next_start:
            return
        health.failures += 1
        try:
            service.start()
        except EmbeddedServerError as error:
            pause = _PAUSES[min(health.failures, len(_PAUSES) - 1)]
            health.next_start = time.monotonic() + pause
            self._report(f"{str(error).partition(chr(10))[0]}; next try in {pause:g} s")
            return
        health.started, health.next_start = time.monotonic(), None
        self._report(f"{name} runs again")
        self._changed(self.process_ids())
