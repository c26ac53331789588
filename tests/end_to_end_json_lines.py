"""JSON Lines of the S3 destination, read back by a reader of their own into the values of `type_matrix.delivered`.

    found = read_back(lines, {"id": pa.int32(), "at": pa.timestamp("us")})
    assert found == expected(connection)

It is stricter than a parser has to be: a number must be a number, a decimal must have all of its digits, a timestamp
with a zone must end in Z.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa

__all__ = ["faithful", "interval_parts", "read_back"]

_DATE = r"(-?\d{4,})-(\d\d)-(\d\d)"
_TIME = r"(\d\d):(\d\d):(\d\d)\.(\d{6})"
_DAYS_OF_400_YEARS = 146_097
_INTERVAL = re.compile(
    r"P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d{1,9}))?S)?)?"
)


class Number(str):
    """A JSON number as it was written: no digit of it is lost."""

    __slots__ = ()


def faithful(text: str) -> Any:
    """Parse JSON without loss: numbers as written, objects as lists of pairs, so that doubled keys stay."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_no_json, object_pairs_hook=list)


def read_back(lines: Iterable[str], types: Mapping[str, pa.DataType]) -> dict[str, list[object]]:
    """Return the values of these columns, sorted by `id`; `types` are what they were before they became JSON."""
    rows = sorted((dict(faithful(line)) for line in lines), key=lambda row: int(row["id"]))
    return {name: [_value(row[name], type_) for row in rows] for name, type_ in types.items()}


def interval_parts(text: str | None) -> list[int] | None:
    """Return months, days and nanoseconds of an ISO 8601 interval."""
    if text is None:
        return None
    found = _INTERVAL.fullmatch(text)
    assert found is not None, text
    years, months, days, hours, minutes, sign, seconds, fraction = found.groups(default="")
    nanos = int(seconds or 0) * 1_000_000_000 + int(fraction.ljust(9, "0"))
    nanos = (int(hours or 0) * 3600 + int(minutes or 0) * 60) * 1_000_000_000 + (-nanos if sign else nanos)
    return [int(years or 0) * 12 + int(months or 0), int(days or 0), nanos]


def _value(value: Any, type_: Any) -> object:
    if isinstance(type_, pa.JsonType):
        return value
    if value is None:
        return None
    if pa.types.is_list(type_):
        assert isinstance(value, list)
        return [_value(item, type_.value_type) for item in cast("list[Any]", value)]
    for belongs, read in _READERS:
        if belongs(type_):
            return read(value, type_)
    raise AssertionError(f"no reader for {type_}")


def _truth(value: Any, _: Any) -> bool:
    assert isinstance(value, bool)
    return value


def _integer(value: Any, _: Any) -> int:
    assert isinstance(value, Number)
    return int(value)


def _float(value: Any, type_: Any) -> str:
    assert isinstance(value, Number) or value in {"NaN", "Infinity", "-Infinity"}
    number = float(value)
    if type_ == pa.float32():
        (number,) = struct.unpack("f", struct.pack("f", number))
    return number.hex()


def _decimal(value: Any, type_: Any) -> Decimal:
    number = Decimal(_text(value, type_))
    assert number.as_tuple().exponent == -type_.scale
    return number


def _date(value: Any, type_: Any) -> int:
    return _days(*_parts(_DATE, value, type_))


def _timestamp(value: Any, type_: Any) -> int:
    year, month, day, *clock = _parts(f"{_DATE}T{_TIME}{'Z' if type_.tz else ''}", value, type_)
    return _days(year, month, day) * 86_400_000_000 + _micros(*clock)


def _time(value: Any, type_: Any) -> int:
    return _micros(*_parts(_TIME, value, type_))


def _text(value: Any, _: Any) -> str:
    assert isinstance(value, str)
    assert not isinstance(value, Number)
    return value


def _parts(pattern: str, value: Any, type_: Any) -> list[int]:
    found = re.fullmatch(pattern, _text(value, type_))
    assert found is not None, value
    return [int(part) for part in found.groups()]


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 in the proleptic Gregorian calendar, which repeats every 400 years; year 0 is 1 BC."""
    era, rest = divmod(year - 2000, 400)
    return (dt.date(2000 + rest, month, day) - dt.date(1970, 1, 1)).days + era * _DAYS_OF_400_YEARS


def _micros(hour: int, minute: int, second: int, fraction: int) -> int:
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


_READERS: list[tuple[Callable[[Any], bool], Callable[[Any, Any], object]]] = [
    (pa.types.is_boolean, _truth),
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, _float),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_date, _date),
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_time, _time),
    (pa.types.is_interval, lambda value, type_: interval_parts(_text(value, type_))),
    (pa.types.is_binary, lambda value, type_: base64.b64decode(_text(value, type_), validate=True)),
    (lambda type_: pa.types.is_string(type_) or isinstance(type_, pa.UuidType), _text),
]
