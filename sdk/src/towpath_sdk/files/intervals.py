"""Intervals as ISO 8601 text. Values in, values out; no I/O."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

__all__ = ["interval_texts"]

_arrow: Any = pa

_MONTHS_PER_YEAR = 12
_NANOS_PER_SECOND = 1_000_000_000
_SECONDS_PER_MINUTE = 60
_MINUTES_PER_HOUR = 60


def interval_texts(array: Any) -> Any:
    """Return month_day_nano intervals as texts such as P1Y2M3DT4H5M6.000007S.

    Each part has its own sign, as in PostgreSQL's iso_8601 style; the empty interval is PT0S.
    """
    return _arrow.array([None if not value.is_valid else _text(*value.as_py()) for value in array], pa.string())


def _text(months: int, days: int, nanos: int) -> str:
    years, months = _divide(months, _MONTHS_PER_YEAR)
    seconds, nanos = _divide(nanos, _NANOS_PER_SECOND)
    minutes, seconds = _divide(seconds, _SECONDS_PER_MINUTE)
    hours, minutes = _divide(minutes, _MINUTES_PER_HOUR)
    date = "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (months, "M"), (days, "D")) if number)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number)
    if seconds or nanos:
        sign = "-" if seconds < 0 or nanos < 0 else ""
        fraction = f".{abs(nanos):09d}".rstrip("0") if nanos else ""
        time += f"{sign}{abs(seconds)}{fraction}S"
    if not date and not time:
        return "PT0S"
    return f"P{date}{'T' + time if time else ''}"


def _divide(number: int, by: int) -> tuple[int, int]:
    """Divide towards zero, so that every part keeps the sign of the whole."""
    quotient, rest = divmod(abs(number), by)
    return (quotient, rest) if number >= 0 else (-quotient, -rest)
