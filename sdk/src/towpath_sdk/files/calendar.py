"""Dates and timestamps as ISO 8601 text, also beyond the years that Arrow writes. Values in, values out; no I/O.

Years are those of the proleptic Gregorian calendar: 0000 is 1 BC; years of more than four digits are written out.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from pyarrow import compute

__all__ = ["date_texts", "timestamp_texts"]

pc: Any = compute

_TEXT = pa.large_string()
_FIRST_DAY, _LAST_DAY = -12_687_428, 11_248_737  # Arrow writes the years -32767 to 32767, and a complaint beyond
_SECONDS_PER_DAY = 86_400
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_DAYS_OF_400_YEARS = 146_097
_ORIGIN = date(2000, 1, 1)
_ORIGIN_DAY = 10_957


def date_texts(array: Any) -> Any:
    """Return dates as texts such as 2024-02-29."""
    days = array.cast(pa.date32())
    return _written(days, days.cast(pa.int32()), _FIRST_DAY, _LAST_DAY, _far_date)


def timestamp_texts(array: Any) -> Any:
    """Return timestamps as texts such as 2024-02-29T12:00:00.000000; those with a zone in UTC, with a Z at the end."""
    unit, zone = array.type.unit, "" if array.type.tz is None else "Z"
    moments = array.cast(pa.timestamp(unit, "UTC")) if zone else array
    per_day = _SECONDS_PER_DAY * _PER_SECOND[unit]
    text = _written(
        moments,
        moments.cast(pa.int64()),
        _FIRST_DAY * per_day,
        (_LAST_DAY + 1) * per_day - 1,
        lambda value: f"{_far_timestamp(value, unit)}{zone}",
    )
    return pc.replace_substring(text, " ", "T", max_replacements=1)


def _written(values: Any, numbers: Any, first: int, last: int, far: Callable[[int], str]) -> Any:
    """Let Arrow write what lies between `first` and `last`, and `far` the rest."""
    bounds = pc.min_max(numbers).as_py()
    if bounds["min"] is None or (first <= bounds["min"] and bounds["max"] <= last):
        return values.cast(_TEXT)
    beyond = pc.fill_null(pc.or_(pc.less(numbers, first), pc.greater(numbers, last)), False)
    texts = pa.array([far(number) for number in numbers.filter(beyond).to_pylist()], _TEXT)
    return pc.replace_with_mask(values.cast(_TEXT), beyond, texts)


def _far_date(day: int) -> str:
    """The calendar repeats every 400 years, so that any day has a twin that Python knows."""
    era, rest = divmod(day - _ORIGIN_DAY, _DAYS_OF_400_YEARS)
    twin = _ORIGIN + timedelta(days=rest)
    return f"{twin.year + 400 * era}-{twin:%m-%d}"


def _far_timestamp(value: int, unit: str) -> str:
    seconds, fraction = divmod(value, _PER_SECOND[unit])
    day, seconds = divmod(seconds, _SECONDS_PER_DAY)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    digits = f".{fraction:0{_DIGITS[unit]}d}" if _DIGITS[unit] else ""
    return f"{_far_date(day)}T{hours:02d}:{minutes:02d}:{seconds:02d}{digits}"
