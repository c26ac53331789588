"""Points in time as ISO 8601 text, in any year: readers of text files see no other form. Text in, numbers out.

Years are astronomical: 0000 is 1 BC. Python's and Arrow's own parsers end at the year 9999.
"""

from __future__ import annotations

import re

__all__ = ["days_of", "nanoseconds_of"]

_DATE = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)")
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")
_ZONE = re.compile(r"(?:Z|UTC|([+-])(\d\d):?(\d\d)?)?")
_MOMENT = re.compile(rf"(?:{_DATE.pattern}[T ])?{_TIME.pattern} ?{_ZONE.pattern}")
_DAY_SECONDS = 86_400


def days_of(text: str) -> int | None:
    """Return a date in days since 1970-01-01; None for what is none."""
    found = _DATE.fullmatch(text)
    return None if found is None else _days(int(found[1]), int(found[2]), int(found[3]))


def nanoseconds_of(text: str) -> int | None:
    """Return nanoseconds since 1970-01-01, UTC, or since midnight for a time of day; None for what is neither."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = found.groups()
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
    if year is not None:
        seconds += _days(int(year), int(month), int(day)) * _DAY_SECONDS
    offset = int(zone_hours or 0) * 3600 + int(zone_minutes or 0) * 60
    seconds -= -offset if sign == "-" else offset
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))


def _days(year: int, month: int, day: int) -> int:
    """Count days in the proleptic Gregorian calendar, in which every 400 years have 146,097 days."""
    year -= month <= 2  # noqa: PLR2004 a year that begins in March ends with its leap day
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468
