"""A column of every Arrow type that the platform carries, with its extremes, empty values and NULLs.

The first rows go through the values of `VALUES` in order; the rows after them choose among the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import numpy as np
import pyarrow as pa

from towpath_source_faker.config import FakerConfig
from towpath_source_faker.making import row_id
from towpath_source_faker.tables import Column, Rows, Table

__all__ = ["VALUES", "types"]

_pa: Any = pa
_array: Any = _pa.array
_INFINITY = float("inf")
_YEAR_1 = -62_135_596_800_000_000
_YEAR_9999 = 253_402_300_799_999_999
_POINT = pa.struct([pa.field("x", pa.float64()), pa.field("label", pa.string())])


def _integers(bits: int) -> list[int | None]:
    return [None, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, -1, 42]


def _decimals(precision: int, scale: int) -> list[Decimal]:
    whole, fraction = "9" * (precision - scale), "9" * scale
    return [
        Decimal(f"{whole}.{fraction}"),
        Decimal(f"-{whole}.{fraction}"),
        Decimal(0),
        Decimal(f"1e-{scale}"),
        Decimal("42.5"),
    ]


def _unsigned(bits: int) -> list[int | None]:
    return [None, 2**bits - 1, 0, 1, 2 ** (bits - 1), 42]


VALUES: dict[str, tuple[pa.DataType, Sequence[object]]] = {
    "int8": (pa.int8(), _integers(8)),
    "int16": (pa.int16(), _integers(16)),
    "int32": (pa.int32(), _integers(32)),
    "int64": (pa.int64(), _integers(64)),
    "uint8": (pa.uint8(), _unsigned(8)),
    "uint16": (pa.uint16(), _unsigned(16)),
    "uint32": (pa.uint32(), _unsigned(32)),
    "uint64": (pa.uint64(), _unsigned(64)),
    "float16": (pa.float16(), [None, float("nan"), -_INFINITY, 65504.0, -0.0, 1.5]),
    "float32": (pa.float32(), [None, float("nan"), -_INFINITY, _INFINITY, -0.0, 1.5]),
    "float64": (pa.float64(), [None, float("nan"), _INFINITY, 1.7976931348623157e308, 5e-324, -0.1]),
    "bool": (pa.bool_(), [None, True, False, True, False, True]),
    "decimal128": (pa.decimal128(38, 9), [None, *_decimals(38, 9)]),
    "decimal256": (pa.decimal256(76, 38), [None, *_decimals(76, 38)]),
    "date32": (pa.date32(), [None, date.min, date.max, date(1970, 1, 1), date(2024, 2, 29), date(1582, 10, 4)]),
    "time64": (
        pa.time64("us"),
        [None, time.min, time.max, time(12), time(0, 0, 0, 1), time(23, 59, 59)],
    ),
    "timestamp": (pa.timestamp("us"), [None, _YEAR_1, _YEAR_9999, 0, -1, 1_709_209_800_000_001]),
    "timestamp_utc": (pa.timestamp("us", tz="UTC"), [None, _YEAR_1, _YEAR_9999, 0, -1, 1_709_209_800_000_001]),
    "duration": (
        pa.duration("us"),
        [
            None,
            timedelta(0),
            timedelta(days=106_751_991),
            timedelta(days=-106_751_991),
            timedelta(microseconds=1),
            timedelta(hours=25),
        ],
    ),
    "interval": (
        pa.month_day_nano_interval(),
        [None, (0, 0, 0), (12, -31, 1), (-1, 0, -1), (0, 1, 86_400_000_000_000), (2**31 - 1, 2**31 - 1, 0)],
    ),
    "string": (pa.string(), [None, "", "plain", 'line\nbreak,"quotes"', "naïve Ω 漢字 🚣", "\x00 and \u2028"]),
    "large_string": (pa.large_string(), [None, "", "x" * 300, "'", "\\", "🛶"]),
    "binary": (pa.binary(), [None, b"", b"\x00", bytes(range(256)), b"\xff\xfe", b"plain"]),
    "large_binary": (pa.large_binary(), [None, b"", b"\x00" * 300, b"\x80", b"\n", b"plain"]),
    "fixed_binary": (pa.binary(4), [None, b"\x00" * 4, b"\xff" * 4, b"abcd", b"\n\r\t ", b"\x80\x81\x82\x83"]),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), [None, "", "red", "green", "blue", "ultra-violet"]),
    "list": (pa.list_(pa.int64()), [None, [], [1], [None], [2**63 - 1, -(2**63)], [3, 2, 1]]),
    "struct": (
        _POINT,
        [
            None,
            {"x": None, "label": None},
            {"x": 0.5, "label": ""},
            {"x": -1.0, "label": "a"},
            {"x": 1e300, "label": "b"},
            {"x": 0.0, "label": "🚣"},
        ],
    ),
    "list_of_structs": (
        pa.list_(_POINT),
        [
            None,
            [],
            [None],
            [{"x": 1.0, "label": "a"}],
            [{"x": None, "label": "b"}, {"x": 2.0, "label": None}],
            [{"x": 3.0, "label": ""}],
        ],
    ),
    "uuid": (
        _pa.uuid(),
        [
            None,
            UUID(int=0),
            UUID(int=2**128 - 1),
            UUID(int=1),
            UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            UUID(int=2**64),
        ],
    ),
    "json": (_pa.json_(), [None, "null", "{}", '{"a":[1,2.5,null]}', '"text"', "[true,false]"]),
}
"""Column names, types, and values; the same number of values for each."""

_COUNT = len(VALUES["int8"][1])


def types(config: FakerConfig) -> Table:
    """The stream `types`."""
    columns = [_column(name, data_type, values) for name, (data_type, values) in VALUES.items()]
    return Table("types", [row_id(), *columns], config.rows)


def _column(name: str, data_type: pa.DataType, values: Sequence[object]) -> Column:
    array = _pool(data_type, values)

    def make(rows: Rows) -> pa.Array[Any]:
        chosen = rows.dice.below(_COUNT, name, rows.numbers)
        return array.take(_array(np.where(rows.numbers < _COUNT, rows.numbers, chosen)))

    return Column(name, data_type, make)


def _pool(data_type: pa.DataType, values: Sequence[object]) -> Any:
    if isinstance(data_type, pa.BaseExtensionType):
        stored = [value.bytes if isinstance(value, UUID) else value for value in values]
        return cast("Any", data_type).wrap_array(_array(stored, data_type.storage_type))
    if pa.types.is_float16(data_type):
        known = [np.float16(cast("float", value or 0)) for value in values]
        return _array(known, data_type, mask=np.array([value is None for value in values]))
    if pa.types.is_dictionary(data_type):
        return _array(values, pa.string()).dictionary_encode()
    return _array(values, data_type)
