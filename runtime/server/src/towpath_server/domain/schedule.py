"""When a connection runs."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.cron import cron_problem

__all__ = ["Cron", "Interval", "Schedule", "check_schedule"]

_SHORTEST = timedelta(seconds=10)
_LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Interval:
    """Every so often, counted from the epoch."""

    every: timedelta


@dataclass(frozen=True)
class Cron:
    """By the calendar: five fields or a macro, in an IANA time zone."""

    expression: str
    time_zone: str


Schedule = Interval | Cron | None
"""None means only on request."""


def check_schedule(schedule: Schedule) -> None:
    """Raise Misconfigured, naming the field below `connection.schedule`, when `schedule` can never start a job."""
    fields: dict[str, str] = {}
    match schedule:
        case Interval(every):
            if not _SHORTEST <= every <= _LONGEST:
                fields["connection.schedule.interval"] = "use at least 10 s and at most 366 days"
        case Cron(expression, time_zone):
            problem = cron_problem(expression)
            if problem is not None:
                fields["connection.schedule.cron.expression"] = problem
            if not _known_zone(time_zone):
                fields["connection.schedule.cron.time_zone"] = (
                    f"{time_zone!r} is no IANA time zone; use one such as Europe/Amsterdam, or leave it empty for UTC"
                )
        case None:
            pass
    if fields:
        raise Misconfigured("the schedule is not valid", reason="INVALID_SCHEDULE", fields=fields)


def _known_zone(time_zone: str) -> bool:
    return not time_zone or time_zone in _zones()


@functools.cache
def _zones() -> frozenset[str]:
    # IANA's own list: a machine may know more (localtime, posix/…), but Temporal, on another one, does not.
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
