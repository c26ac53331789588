"""A column of every type with its extreme values, and comparison in which equal means identical.

The values are literals: nothing that a destination is made of decides what is right.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of arrays open.
from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from towpath_conformance.iso import days_of, nanoseconds_of

__all__ = ["arrow_type", "as_sent", "exact", "matrix"]

_arrow: Any = pa
_types: Any = pa.types
_NAN, _INF = float("nan"), float("inf")
_CONTROLS = "".join(map(chr, range(1, 32))) + "\x7f"
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DECIMAL = re.compile(r"decimal(128|256)\((\d+), ?(-?\d+)\)")
_ZONE_AT_END = re.compile(r"\d(?:Z|UTC|[+-]\d\d(?::?\d\d)?)$")
_NARROW = 32
_ZONED = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.+)\]")


def matrix() -> pa.Table:
    """Return the value matrix: a column `id` that counts from 0, and a column of each type, the last row all NULL."""
    columns = dict(_columns())
    rows = max(map(len, columns.values())) + 1
    table: dict[str, Any] = {"id": pa.array(range(rows), pa.int64())}
    for name, values in columns.items():
        missing = pa.nulls(rows - len(values), values.type)
        table[name] = pa.chunked_array([values, missing]).combine_chunks()
    return pa.table(table)


def _columns() -> Sequence[tuple[str, Any]]:
    return [*_numbers(), *_decimals(), *_texts(), *_times(), *_nested()]


def _numbers() -> Sequence[tuple[str, Any]]:
    signed = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
    unsigned = {"uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}
    floats = [0.0, -0.0, 0.1, -1.5, _NAN, _INF, -_INF]
    return [
        ("bool", pa.array([True, False])),
        *(
            (name, pa.array([-(2 ** (bits - 1)), -1, 0, 2 ** (bits - 1) - 1], arrow_type(name)))
            for name, bits in signed.items()
        ),
        ("beyond 2^53", pa.array([2**53 + 1, -(2**53) - 1], pa.int64())),
        *((name, pa.array([0, 1, 2**bits - 1], arrow_type(name))) for name, bits in unsigned.items()),
        ("float32", pa.array([*floats, 3.4028234663852886e38, 1.401298464324817e-45], pa.float32())),
        ("float64", pa.array([*floats, 1.7976931348623157e308, 5e-324], pa.float64())),
    ]


def _decimals() -> Sequence[tuple[str, Any]]:
    def numbers(type_: pa.DataType, *texts: str) -> Any:
        return pa.array([Decimal(text) for text in texts], type_)

    return [
        ("decimal128(16,2)", numbers(pa.decimal128(16, 2), "0.00", "-1.50", "99999999999999.99", "-0.01")),
        ("decimal128(38,0)", numbers(pa.decimal128(38, 0), "9" * 38, "-" + "9" * 38)),
        ("decimal128(38,38)", numbers(pa.decimal128(38, 38), "0." + "9" * 38, "-0." + "0" * 37 + "1")),
        ("decimal256(76,10)", numbers(pa.decimal256(76, 10), "9" * 66 + "." + "9" * 10, "-0.0000000001")),
    ]


def _texts() -> Sequence[tuple[str, Any]]:
    texts = ["", " ", "NULL", "null", "\\N", "a\tb\r\nc\\d\"e'f,g;h", "☃ 😀 ÄÖ e\u0301", "  padded  ", _CONTROLS]
    binaries = [b"", b"\x00", b"\x00\xff\xfe", bytes(range(256)), b"text"]
    return [
        ("string", pa.array(texts, pa.string())),
        ("large_string", pa.array(["", "large ☃"], pa.large_string())),
        ("long string", pa.array(["long ☃ " * 10_000], pa.string())),
        ("binary", pa.array(binaries, pa.binary())),
        ("large_binary", pa.array([b"", b"\x80"], pa.large_binary())),
        ("fixed_size_binary", pa.array([b"\x00" * 4, b"\xff\x00\xff\x00"], pa.binary(4))),
        ("dictionary", pa.array(["red", "", "red", None, "☃"]).dictionary_encode()),
        (
            "uuid",
            _arrow.ExtensionArray.from_storage(
                pa.uuid(), pa.array([b"\x00" * 16, b"\xff" * 16, bytes(range(16))], pa.binary(16))
            ),
        ),
        (
            "json",
            _arrow.ExtensionArray.from_storage(
                pa.json_(pa.string()), pa.array(['{"b": 1, "a": [1.50, null, "☃"]}', "null", '""'])
            ),
        ),
    ]


def _times() -> Sequence[tuple[str, Any]]:
    second, day, far = 1_000_000, 86_400_000_000, 253_402_300_799_999_999  # the last microsecond of the year 9999
    moments = [0, -1, 1_709_251_199 * second + 999_999, -62_135_596_800 * second, far]

    def moment(type_: pa.DataType, *counts: int) -> Any:
        return pa.array(counts, pa.int64()).cast(type_)

    return [
        ("date32", pa.array([0, -1, -719_162, 2_932_896, 19_782], pa.int32()).cast(pa.date32())),
        ("date32 far away", pa.array([-2_440_588, 2_145_031_948], pa.int32()).cast(pa.date32())),
        ("time64[us]", moment(pa.time64("us"), 0, 1, day - 1)),
        ("time32[ms]", pa.array([0, 86_399_999], pa.int32()).cast(pa.time32("ms"))),
        ("timestamp[us]", moment(pa.timestamp("us"), *moments)),
        ("timestamp[us] far away", moment(pa.timestamp("us"), -210_866_803_200 * second, 9_223_371_331_199_999_999)),
        ("timestamp[us, UTC]", moment(pa.timestamp("us", tz="UTC"), *moments)),
        ("timestamp[us, zone]", moment(pa.timestamp("us", tz="Europe/Berlin"), 0, 1_711_846_800 * second)),
        ("timestamp[ms]", moment(pa.timestamp("ms"), 0, -1, far // 1000)),
        ("timestamp[ns]", moment(pa.timestamp("ns"), 0, -1, 2**63 - 1, 1_709_251_199_123_456_789)),
        ("duration[us]", moment(pa.duration("us"), 0, -1, day + 1)),
        (
            "interval",
            pa.array([_interval(0, 0, 0), _interval(14, -3, 4_005_006_000), _interval(-1, 40, -1000)]),
        ),
    ]


def _nested() -> Sequence[tuple[str, Any]]:
    pair = pa.struct([pa.field("n", pa.int64()), pa.field("t", pa.string())])
    pairs = [{"n": 1, "t": ""}, {"n": None, "t": "☃"}, None, {"n": -(2**63), "t": None}]
    return [
        ("list<int64>", pa.array([[], [1, None, -(2**63)], None, [2**63 - 1]], pa.list_(pa.int64()))),
        ("list<string>", pa.array([[], [""], ["", None, "a,b", '"']], pa.list_(pa.string()))),
        ("list<list<int32>>", pa.array([[], [[]], [None, [1, None]]], pa.list_(pa.list_(pa.int32())))),
        ("struct", pa.array(pairs, pair)),
        ("list<struct>", pa.array([[], pairs, [None]], pa.list_(pair))),
        ("map", pa.array([[], [("a", 1), ("", None)]], pa.map_(pa.string(), pa.int64()))),
    ]


def _interval(months: int, days: int, nanoseconds: int) -> Any:
    return _arrow.MonthDayNano([months, days, nanoseconds])


def arrow_type(text: str) -> pa.DataType:
    """Return the type of a name such as "int64", "timestamp[us, tz=UTC]" or "decimal128(10, 2)".

    Raises ValueError for a name that is none.
    """
    if found := _DECIMAL.fullmatch(text):
        return (pa.decimal128 if found[1] == "128" else pa.decimal256)(int(found[2]), int(found[3]))
    if found := _ZONED.fullmatch(text):
        return _arrow.timestamp(found[1], tz=found[2])
    return _arrow.type_for_alias(text)


def as_sent(column: Any, type_: Any) -> Any:
    """Return a column that was read back in the type in which it was sent, where that changes no value.

    Readers may know a type by another name or see text; what is no form of the sent type stays as it is.
    """
    array = _array(column)
    if _types.is_timestamp(type_) and _types.is_timestamp(array.type) and (type_.tz is None) != (array.type.tz is None):
        return array.cast(pa.string())  # a point in time that has lost its zone, or got one, is another value
    if _types.is_timestamp(type_) and type_.tz is None and _is_text(array.type) and _zoned(array):
        return array
    if isinstance(type_, pa.UuidType) and _is_text(array.type):
        return pa.array([None if value is None else uuid.UUID(value).bytes for value in array.to_pylist()])
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if _types.is_dictionary(type_):
        type_ = type_.value_type
    if _types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        return _temporal_of_text(array, type_) if _is_text(array.type) and _is_point(type_) else array.cast(type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        return array


def _temporal_of_text(array: Any, type_: Any) -> Any:
    """Return ISO 8601 text as points in time. Raises ValueError for what is none, or is finer than the type."""
    wide = pa.int32() if type_.bit_width == _NARROW else pa.int64()
    days = _types.is_date(type_)
    counts: list[int | None] = []
    for text in array.to_pylist():
        count = None if text is None else days_of(text) if days else nanoseconds_of(text)
        if text is not None and count is None:
            raise ValueError(text)
        unit = 1 if days else _NANOSECONDS[type_.unit]
        if count is not None and count % unit:
            raise ValueError(text)
        counts.append(None if count is None else count // unit)
    return pa.array(counts, pa.int32()).cast(pa.date32()) if days else pa.array(counts, wide).cast(type_)


def _zoned(array: Any) -> bool:
    """Say whether text names a zone: then it is not what a point in time without one was stored as."""
    return any(_ZONE_AT_END.search(text) for text in array.to_pylist() if text is not None)


def _is_point(type_: Any) -> bool:
    return bool(_types.is_date(type_) or _types.is_time(type_) or _types.is_timestamp(type_))


def exact(column: Any) -> list[Any]:  # noqa: PLR0911 a table of types, one entry each
    """Return values in a form in which equal means identical: NaN equals itself, 0.0 differs from -0.0.

    Points and spans of time are counted in nanoseconds, days in days, so that units do not matter.
    """
    array = _array(column)
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if _types.is_dictionary(array.type):
        array = array.dictionary_decode()
    type_ = array.type
    if _types.is_floating(type_):
        return [None if value is None else float(value).hex() for value in array.to_pylist()]
    if _types.is_date(type_):
        return array.cast(pa.date32()).cast(pa.int32()).to_pylist()
    if _types.is_timestamp(type_) or _types.is_time(type_) or _types.is_duration(type_):
        counts = array.cast(pa.int32() if _types.is_time32(type_) else pa.int64()).to_pylist()
        return [None if count is None else count * _NANOSECONDS[type_.unit] for count in counts]
    if _types.is_interval(type_):
        return [None if value is None else tuple(value) for value in array.to_pylist()]
    if _types.is_struct(type_):
        children = [exact(child) for child in array.flatten()]
        names = [field.name for field in type_]
        return [
            tuple(zip(names, values, strict=True)) if valid else None
            for valid, *values in zip(array.is_valid().to_pylist(), *children, strict=True)
        ]
    if _types.is_nested(type_):
        return [tuple(exact(scalar.values)) if scalar.is_valid else None for scalar in array]
    return array.to_pylist()


def _array(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _is_text(type_: Any) -> bool:
    return bool(_types.is_string(type_) or _types.is_large_string(type_) or _types.is_string_view(type_))
