"""How each PostgreSQL type travels: the expression that selects it, the type that arrives, the type delivered.

Nothing is narrowed in silence. What binary COPY and the driver decode exactly is selected as it is; numeric is
selected as text and cast to a decimal, which is exact and cheaper than the driver's decoding; what has no Arrow
counterpart is delivered as the text that PostgreSQL writes. Values that a type cannot hold (see `SpecialValues`) are
found by guards on the arriving data, or by conditions in the query where they would not arrive at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

from towpath_source_postgres.config import SpecialValues

__all__ = ["Guard", "PgType", "Travel", "travel_of"]

_NUMERIC_TYPMOD_OFFSET = 4
_WIDEST_DECIMAL128 = 38
_WIDEST_DECIMAL256 = 76


class Guard(Enum):
    """What to look for in arriving data, because the driver would pass it on as another value."""

    NONE = "none"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    NUMERIC = "numeric"


@dataclass(frozen=True)
class PgType:
    """A column's type, domains resolved.

    `name` is pg_type.typname of the type, or of the element when `is_array`; outside of pg_catalog it is preceded by
    schema and dot. `category` is pg_type.typtype: "b" base, "e" enum, "c" composite, "d" domain (of elements only),
    "r" range, "m" multirange, "p" pseudo. `typmod` is -1 when there is none. `dimensions` are those declared.
    """

    name: str
    category: str = "b"
    typmod: int = -1
    is_array: bool = False
    dimensions: int = 0
    is_domain: bool = False


@dataclass(frozen=True)
class Travel:
    """How a column travels.

    `select` is a SQL template whose `{}` is the quoted column. `arrives` is the Arrow type that the driver gives,
    `delivered` the one that leaves the connector. `unfit` is a SQL template that is true for values which the driver
    would change or fail on; they are selected as NULL and reported apart.
    """

    select: str
    arrives: pa.DataType
    delivered: pa.DataType
    guard: Guard = Guard.NONE
    unfit: str | None = None


Numeric = tuple[int, int] | None
"""Precision and scale for numeric columns that declare none; None leaves them text."""


def travel_of(column: PgType, policy: SpecialValues = SpecialValues.FAIL, unconstrained: Numeric = None) -> Travel:
    """Return how a column of this type travels.

    Source: PostgreSQL manual, chapter "Data Types"; the binary formats in the server's `*send` functions.
    """
    if column.is_array:
        return _array(column, policy)
    if column.category == "c" or column.name == "record":
        return _JSON
    if column.category == "b" and column.name in _BASE:
        return _BASE[column.name](column, policy, unconstrained)
    return _TEXT


def _exact(arrow: pa.DataType) -> Callable[[PgType, SpecialValues, Numeric], Travel]:
    """Types that binary COPY and the driver decode exactly; a cast takes a domain to its base."""

    def travel(column: PgType, _policy: SpecialValues, _unconstrained: Numeric) -> Travel:
        return Travel(f"{{}}::{column.name}" if column.is_domain else "{}", arrow, arrow)

    return travel


def _guarded(arrow: pa.DataType, guard: Guard) -> Callable[[PgType, SpecialValues, Numeric], Travel]:
    def travel(column: PgType, policy: SpecialValues, _unconstrained: Numeric) -> Travel:
        if policy is SpecialValues.STRING:
            return _TEXT
        return Travel(f"{{}}::{column.name}" if column.is_domain else "{}", arrow, arrow, guard)

    return travel


def _converted(select: str, arrow: pa.DataType) -> Callable[[PgType, SpecialValues, Numeric], Travel]:
    travel = Travel(select, arrow, arrow)
    return lambda _column, _policy, _unconstrained: travel


def _money(_column: PgType, policy: SpecialValues, _unconstrained: Numeric) -> Travel:
    # The locale of the server decides how many digits follow the point; more than two are found by the guard.
    if policy is SpecialValues.STRING:
        return Travel("{}::numeric::text", pa.string(), pa.string())
    return Travel("{}::numeric::text", pa.string(), pa.decimal128(19, 2), Guard.NUMERIC)


def _numeric(column: PgType, policy: SpecialValues, unconstrained: Numeric) -> Travel:
    decimal = _decimal(column.typmod, unconstrained)
    if decimal is None or policy is SpecialValues.STRING:
        return _TEXT
    return Travel("{}::text", pa.string(), decimal, Guard.NUMERIC)


def _interval(_column: PgType, policy: SpecialValues, _unconstrained: Numeric) -> Travel:
    if policy is SpecialValues.STRING:
        return _TEXT
    arrow = pa.month_day_nano_interval()
    return Travel(_unless(_UNFIT_INTERVAL, "{}::interval"), arrow, arrow, unfit=_UNFIT_INTERVAL)


def _decimal(typmod: int, unconstrained: Numeric) -> pa.DataType | None:
    """Return the decimal for a numeric's typmod, or None when none is wide enough.

    A typmod is 4 more than precision << 16 | scale, the scale being a signed number of 11 bits.
    """
    if typmod < _NUMERIC_TYPMOD_OFFSET:
        if unconstrained is None:
            return None
        precision, scale = unconstrained
    else:
        precision = (typmod - _NUMERIC_TYPMOD_OFFSET) >> 16
        scale = (((typmod - _NUMERIC_TYPMOD_OFFSET) & 0x7FF) ^ 0x400) - 0x400
        if scale < 0:
            precision, scale = precision - scale, 0
        precision = max(precision, scale)
    if precision <= _WIDEST_DECIMAL128:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale) if precision <= _WIDEST_DECIMAL256 else None


def _array(column: PgType, policy: SpecialValues) -> Travel:
    if policy is SpecialValues.STRING:
        return _TEXT
    if column.dimensions > 1 or column.category == "c":
        return Travel(_unless(_UNFIT_NESTED, "to_jsonb({})"), _ANY_JSON, _ANY_JSON, unfit=_UNFIT_NESTED)
    element, select = _LIST_ELEMENTS.get(column.name if column.category == "b" else "", (pa.string(), "{}::text[]"))
    arrives = pa.list_(pa.field("item", element))
    delivered, guard = arrives, Guard.NONE
    decimal = _element_decimal(column)
    if decimal is not None:
        delivered, guard = pa.list_(pa.field("item", decimal)), Guard.NUMERIC
    return Travel(_unless(_UNFIT_LIST, select), arrives, delivered, guard, _UNFIT_LIST)


def _element_decimal(column: PgType) -> pa.DataType | None:
    match column.category, column.name:
        case "b", "numeric":
            return _decimal(column.typmod, None)
        case "b", "money":
            return pa.decimal128(19, 2)
        case _:
            return None


def _unless(unfit: str, select: str) -> str:
    """Keep unfit values from the driver, which would change them or fail without naming the column."""
    return f"CASE WHEN {unfit} THEN NULL ELSE {select} END"


_ANY_JSON = pa.json_(pa.string())
_TEXT = Travel("{}::text", pa.string(), pa.string())
_JSON = Travel("to_jsonb({})", _ANY_JSON, _ANY_JSON)
_BASE: Mapping[str, Callable[[PgType, SpecialValues, Numeric], Travel]] = {
    "bool": _exact(pa.bool_()),
    "int2": _exact(pa.int16()),
    "int4": _exact(pa.int32()),
    "int8": _exact(pa.int64()),
    "float4": _exact(pa.float32()),
    "float8": _exact(pa.float64()),
    "text": _exact(pa.string()),
    "varchar": _exact(pa.string()),
    "bpchar": _exact(pa.string()),
    "name": _exact(pa.string()),
    "bytea": _exact(pa.binary()),
    "uuid": _exact(pa.uuid()),
    "json": _exact(_ANY_JSON),
    "jsonb": _exact(_ANY_JSON),
    "date": _guarded(pa.date32(), Guard.DATE),
    "timestamp": _guarded(pa.timestamp("us"), Guard.TIMESTAMP),
    "timestamptz": _guarded(pa.timestamp("us", tz="UTC"), Guard.TIMESTAMP),
    "time": _guarded(pa.time64("us"), Guard.TIME),
    "numeric": _numeric,
    "money": _money,
    "interval": _interval,
    "oid": _converted("{}::oid::int8", pa.int64()),
    "xid": _converted("{}::text::int8", pa.int64()),
    "cid": _converted("{}::text::int8", pa.int64()),
}
_LIST_ELEMENTS: Mapping[str, tuple[pa.DataType, str]] = {
    "bool": (pa.bool_(), "{}::bool[]"),
    "int2": (pa.int16(), "{}::int2[]"),
    "int4": (pa.int32(), "{}::int4[]"),
    "int8": (pa.int64(), "{}::int8[]"),
    "oid": (pa.int64(), "{}::oid[]::int8[]"),
    "float4": (pa.float32(), "{}::float4[]"),
    "float8": (pa.float64(), "{}::float8[]"),
    "text": (pa.string(), "{}::text[]"),
    "varchar": (pa.string(), "{}::varchar[]"),
    "bpchar": (pa.string(), "{}::bpchar[]"),  # as text[] it would lose its trailing spaces
    "bytea": (pa.binary(), "{}::bytea[]"),
    "money": (pa.string(), "{}::numeric[]::text[]"),
}
_UNFIT_LIST = "({} IS NOT NULL AND (array_ndims({}) > 1 OR array_lower({}, 1) <> 1))"
_UNFIT_NESTED = "({} IS NOT NULL AND (" + " OR ".join(f"array_lower({{}}, {n}) <> 1" for n in range(1, 7)) + "))"
_UNFIT_INTERVAL = (
    "({} IS NOT NULL AND (NOT isfinite({}) OR (abs(date_part('hour', {})) >= 2562047"
    " AND abs(extract(hour FROM {}) * 3600000000 + extract(minute FROM {}) * 60000000 + extract(microseconds FROM {}))"
    " > 9223372036854775)))"
)
"""Infinite, or with a time part of more nanoseconds than 64 bits hold."""
