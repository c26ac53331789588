"""Cron expressions: what is wrong with one, said before anything is scheduled.

The accepted language is the one that Temporal Schedules accept: minute, hour, day of month, month, day of week; `*`,
numbers, names, ranges, steps and lists; the macros. A start must match the day of month *and* the day of week.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass

__all__ = ["MACROS", "cron_problem"]

MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_LONGEST_MONTH = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


class _Invalid(ValueError):
    """Carries the problem in words."""


def cron_problem(expression: str) -> str | None:
    """Return what is wrong with `expression`, for the user; None when it is valid and has at least one start."""
    text = expression.strip()
    if text.startswith("@"):
        return None if text in MACROS else f"{text!r} is no macro; choose one of: {', '.join(sorted(MACROS))}"
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"five fields are wanted (minute, hour, day of month, month, day of week), there are {len(parts)}"
    try:
        values = [_values(field, part) for field, part in zip(_FIELDS, parts, strict=True)]
    except _Invalid as problem:
        return str(problem)
    days, months = values[2], values[3]
    if min(days) > max(_LONGEST_MONTH[month] for month in months):
        return f"no chosen month has a day {min(days)}, so it would never start"
    return None


def _values(field: _Field, text: str) -> set[int]:
    values: set[int] = set()
    for item in text.split(","):
        span, slash, step_text = item.partition("/")
        step = 1
        if slash:
            if not step_text.isdecimal() or int(step_text) < 1:
                raise _Invalid(f"{field.name}: {item!r} has no valid step; write for example */15")
            step = int(step_text)
        low, high = _span(field, span, open_ended=bool(slash))
        values.update(range(low, high + 1, step))
    return values


def _span(field: _Field, text: str, *, open_ended: bool) -> tuple[int, int]:
    if text == "*":
        return field.low, field.high
    first, dash, last = text.partition("-")
    low = _number(field, first)
    if not dash:
        return low, field.high if open_ended else low
    high = _number(field, last)
    if high < low:
        raise _Invalid(f"{field.name}: the range {text!r} runs backwards")
    return low, high


def _number(field: _Field, text: str) -> int:
    named = field.words.get(text.lower())
    if named is not None:
        return named
    if not (text.isascii() and text.isdecimal()):
        words = f" or {', '.join(field.words)}" if field.words else ""
        raise _Invalid(f"{field.name}: {text!r} is not a number from {field.low} to {field.high}{words}")
    value = int(text)
    if not field.low <= value <= field.high:
        raise _Invalid(f"{field.name}: {value} is not from {field.low} to {field.high}")
    return value
