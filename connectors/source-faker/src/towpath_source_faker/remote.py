"""The remote system that there is not: how it refuses, what day it is there, and what it may forget."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from towpath_sdk import Denied, Misconfigured, Probe, Throttled, Unavailable

from towpath_source_faker.config import REVOKED_KEY, FakerConfig, Remote

__all__ = ["Ledger", "connect", "login", "probes", "today"]


def probes(config: FakerConfig) -> Iterable[Probe]:
    """Network, key, clock, ledger."""
    yield Probe("network", lambda: connect(config))
    yield Probe("authentication", lambda: login(config))
    if config.changes.clock is not None:
        yield Probe("clock", lambda: _ignore(today(config)), essential=False)
    ledger = config.ledger
    if ledger is not None:
        yield Probe("ledger", lambda: _writable(ledger), essential=False)


def connect(config: FakerConfig) -> None:
    """Raise what keeps the remote system from being reached."""
    if config.failures.remote is Remote.UNREACHABLE:
        raise Unavailable(
            "the made-up remote system is unreachable, because failures.remote says so", reason="UNREACHABLE"
        )
    if config.failures.remote is Remote.THROTTLED:
        raise Throttled(
            "the made-up remote system asks to slow down, because failures.remote says so",
            reason="THROTTLED",
            retry_after=timedelta(seconds=1),
        )


def login(config: FakerConfig) -> None:
    """Raise what keeps it from letting us in."""
    connect(config)
    if config.failures.remote is Remote.DENIED:
        raise Denied("the made-up remote system refuses, because failures.remote says so", reason="DENIED")
    if config.api_key is not None and config.api_key.get_secret_value() == REVOKED_KEY:
        raise Denied("the API key was revoked; give another one, or none", reason="KEY_REVOKED")


def today(config: FakerConfig) -> int:
    """The day by the clock file, or by the configuration. Raises Misconfigured when the file holds no number."""
    clock = config.changes.clock
    if clock is None:
        return config.changes.day
    try:
        day = int(clock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return config.changes.day
    except (OSError, ValueError):
        day = -1
    if not 0 <= day <= _LAST_DAY:
        problem = f"cannot be read, or holds no number from 0 to {_LAST_DAY}"
        raise Misconfigured(f"the clock {clock} {problem}", reason="BAD_CLOCK", fields={"changes.clock": problem})
    return day


class Ledger:
    """A JSON file with an entry per stream: what was acknowledged, and where the stream ends.

    It is replaced as a whole, so that a reader never sees half of it, and changed under a lock, so that several calls
    and processes can share it.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path

    def hold(self, stream: str, acknowledged: int, end: int) -> None:
        """Note that a read begins: all beyond `acknowledged` is held for it."""
        with self._changing() as entries:
            entries[stream] = {"acknowledged": acknowledged, "end": end}

    def release(self, stream: str, acknowledged: int) -> None:
        """Let go of what lies before `acknowledged`; never takes anything back."""
        with self._changing() as entries:
            entry = entries.setdefault(stream, {"acknowledged": 0, "end": acknowledged})
            entry["acknowledged"] = max(entry["acknowledged"], acknowledged)

    def held(self) -> dict[str, int]:
        """Rows per stream that are not acknowledged; streams without such are left out."""
        entries = self._entries().items()
        return {
            name: entry["end"] - entry["acknowledged"]
            for name, entry in entries
            if entry["end"] > entry["acknowledged"]
        }

    def _entries(self) -> dict[str, dict[str, int]]:
        try:
            return cast("dict[str, dict[str, int]]", json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    @contextmanager
    def _changing(self) -> Generator[dict[str, Any]]:
        descriptor = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            entries = self._entries()
            yield entries
            new = self._path.with_name(f"{self._path.name}.new")
            new.write_text(json.dumps(entries, indent=1, sort_keys=True), encoding="utf-8")
            new.replace(self._path)
        finally:
            os.close(descriptor)


_LAST_DAY = 366


def _ignore(_: object) -> None:
    return


def _writable(ledger: Path) -> None:
    if not ledger.parent.is_dir() or not os.access(ledger.parent, os.W_OK):
        problem = f"the folder {ledger.parent} does not exist or cannot be written to"
        raise Misconfigured(problem, reason="NO_SUCH_FOLDER", fields={"ledger": problem})
