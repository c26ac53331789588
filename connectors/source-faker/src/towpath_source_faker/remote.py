"""The remote system that there is not: how it refuses, and what day it is there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from towpath_sdk import Denied, Misconfigured, Probe, Throttled, Unavailable

from towpath_source_faker.config import LAST_DAY, REVOKED_KEY, FakerConfig, Remote
from towpath_source_faker.ledger import Ledger

__all__ = ["connect", "login", "probes", "today"]


def probes(config: FakerConfig) -> Iterable[Probe]:
    """Network, key, clock, ledger."""
    yield Probe("network", lambda: connect(config))
    yield Probe("authentication", lambda: login(config))
    if config.changes.clock is not None:
        yield Probe("clock", lambda: _ignore(today(config)), essential=False)
    if config.ledger is not None:
        yield Probe("ledger", Ledger(config.ledger).probe, essential=False)


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
    if not 0 <= day <= LAST_DAY:
        problem = f"cannot be read, or holds no number from 0 to {LAST_DAY}"
        raise Misconfigured(f"the clock {clock} {problem}", reason="BAD_CLOCK", fields={"changes.clock": problem})
    return day


def _ignore(_: object) -> None:
    return
