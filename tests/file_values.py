"""One sample of every Arrow type that a source can deliver: extreme values, and what each becomes in text formats.

The expectations are literals, so that no code of the writer's decides what is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

__all__ = ["SAMPLES", "Sample", "interval"]

NAN, INF = float("nan"), float("inf")
INTERVAL = pa.month_day_nano_interval()
TOO_WIDE = {"duckdb": None, "note": "DuckDB takes more than 38 digits for a double"}
CONTROLS = "".join(map(chr, range(32)))


@dataclass(frozen=True)
class Sample:
    """One column. `json` is what json.loads makes of it, `csv` the unquoted cells, None standing for NULL.

    `read` is the column as pyarrow reads it from Parquet, where that differs. `duckdb` is SQL that makes of a cell `t`
    what DuckDB reads from Parquet; None where DuckDB reads another value, for the reason that `note` gives.
    """

    name: str
    values: Any
    json: Sequence[Any]
    csv: Sequence[str | None]
    read: Any = None
    duckdb: str | None = "t::{type}"
    note: str = ""

    @property
    def parquet(self) -> Any:
        """The column as pyarrow reads it from Parquet."""
        return self.values if self.read is None else self.read


def interval(months: int, days: int, nanos: int) -> pa.MonthDayNano:
    new: Any = pa.MonthDayNano
    return new([months, days, nanos])


def of_ints(type_: pa.DataType, values: Sequence[int | None], width: int = 64) -> Any:
    return pa.array(values, pa.int64() if width == 64 else pa.int32()).cast(type_)


def uuids(*values: bytes | None) -> Any:
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(values, pa.binary(16)))


def documents(*values: str | None) -> Any:
    return pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(values, pa.string()))


def numbers(name: str, type_: pa.DataType, *values: int) -> Sample:
    return Sample(name, pa.array([*values, None], type_), [*values, None], [*map(str, values), None])


def binary(name: str, values: Any, texts: Sequence[str | None], **more: Any) -> Sample:
    return same(name, values, texts, duckdb="from_base64(t)", **more)


def decimals(name: str, type_: pa.DataType, *texts: str, **more: Any) -> Sample:
    return same(name, pa.array([*map(Decimal, texts), None], type_), [*texts, None], **more)


def nested(name: str, values: Any, json: Sequence[Any], csv: Sequence[str | None], **more: Any) -> Sample:
    """A column that is JSON also in CSV."""
    return Sample(name, values, json, csv, **{"duckdb": "t::JSON::{type}", **more})


def same(name: str, values: Any, texts: Sequence[str | None], **more: Any) -> Sample:
    """A column whose JSON texts are its CSV cells."""
    return Sample(name, values, texts, texts, **more)


NUMBERS = [
    Sample("bool", pa.array([True, False, None]), [True, False, None], ["true", "false", None]),
    numbers("int8", pa.int8(), -128, 127),
    numbers("int16", pa.int16(), -32768, 32767),
    numbers("int32", pa.int32(), -(2**31), 2**31 - 1),
    numbers("int64", pa.int64(), -(2**63), 2**53 + 1, 2**63 - 1),
    numbers("uint8", pa.uint8(), 0, 255),
    numbers("uint32", pa.uint32(), 0, 2**32 - 1),
    numbers("uint64", pa.uint64(), 0, 2**64 - 1),
    Sample(
        "float32",
        pa.array([1.5, -0.0, 0.1, NAN, INF, -INF, 3.4028235e38, 1e-45, 16777216.0, None], pa.float32()),
        [1.5, -0.0, 0.1, "NaN", "Infinity", "-Infinity", 3.4028235e38, 1e-45, 16777216, None],
        ["1.5", "-0.0", "0.1", "NaN", "Infinity", "-Infinity", "3.4028235e+38", "1e-45", "16777216", None],
    ),
    Sample(
        "float64",
        pa.array([-0.0, 0.1, NAN, INF, -INF, 1.7976931348623157e308, 5e-324, 1e21, 123456789012345680.0, None]),
        [-0.0, 0.1, "NaN", "Infinity", "-Infinity", 1.7976931348623157e308, 5e-324, 1e21, 123456789012345680.0, None],
        [
            *("-0.0", "0.1", "NaN", "Infinity", "-Infinity", "1.7976931348623157e+308", "5e-324", "1e+21"),
            *("1.2345678901234568e+17", None),
        ],
    ),
    decimals("decimal128", pa.decimal128(16, 2), "0.00", "-1.50", "99999999999999.99", "-0.01"),
    decimals(
        "decimal of small numbers", pa.decimal128(10, 8), "0.00000000", "0.00000001", "-0.00000010", "99.99999999"
    ),
    decimals(
        "decimal of tiny numbers",
        pa.decimal128(38, 37),
        *("0." + "0" * 37, "0." + "0" * 36 + "1", "-0." + "0" * 36 + "1", "9." + "9" * 37, "-9." + "9" * 37),
    ),
    decimals("decimal256", pa.decimal256(76, 0), "9" * 76, "-" + "9" * 76, "0", **TOO_WIDE),
    decimals("decimal256 of tiny numbers", pa.decimal256(76, 76), "0." + "0" * 75 + "1", "-0." + "9" * 76, **TOO_WIDE),
    decimals("decimal256 of few digits", pa.decimal256(38, 10), "0.0000000000", "-1.0000000001"),
    Sample(
        "decimal of thousands",
        pa.array([12300, 0, -99999 * 100, None], pa.decimal128(7, 0)).cast(pa.decimal128(5, -2)),
        ["12300", "0", "-9999900", None],
        ["12300", "0", "-9999900", None],
        read=pa.array([12300, 0, -99999 * 100, None], pa.decimal128(7, 0)),
    ),
]

DATE_NUMBERS = [
    0,
    -1,
    -719162,
    -719163,
    -2440588,
    2932896,
    2932897,
    11248737,
    11248738,
    -12687428,
    -12687794,
    2145042905,
]
DATE_TEXTS = [
    *("1970-01-01", "1969-12-31", "0001-01-01", "0000-12-31", "-4713-11-24", "9999-12-31", "10000-01-01"),
    *("32767-12-31", "32768-01-01", "-32767-01-01", "-32768-01-01", "5874897-12-31", None),
]
MOMENT_NUMBERS = [
    0,
    -1,
    -62135596800000001,
    -210866803200000000,
    253402300800000000,
    9223371331199999999,
    -9223372022400000000,
]
MOMENT_TEXTS = [
    *("1970-01-01T00:00:00.000000", "1969-12-31T23:59:59.999999", "0000-12-31T23:59:59.999999"),
    *("-4713-11-24T00:00:00.000000", "10000-01-01T00:00:00.000000", "294247-01-01T23:59:59.999999"),
    *("-290308-12-22T00:00:00.000000", None),
]
TIMES = [
    same("date32", of_ints(pa.date32(), [*DATE_NUMBERS, None], 32), DATE_TEXTS),
    same(
        "date64",
        of_ints(pa.date64(), [*(86_400_000 * day for day in DATE_NUMBERS), None]),
        DATE_TEXTS,
        read=of_ints(pa.date32(), [*DATE_NUMBERS, None], 32),
    ),
    same(
        "time64 in microseconds",
        of_ints(pa.time64("us"), [0, 1, 86_399_999_999, None]),
        ["00:00:00.000000", "00:00:00.000001", "23:59:59.999999", None],
    ),
    same(
        "time32 in seconds",
        of_ints(pa.time32("s"), [0, 86_399, None], 32),
        ["00:00:00", "23:59:59", None],
        read=of_ints(pa.time32("ms"), [0, 86_399_000, None], 32),
    ),
    same("timestamp", of_ints(pa.timestamp("us"), [*MOMENT_NUMBERS, None]), MOMENT_TEXTS),
    same(
        "timestamp in UTC",
        of_ints(pa.timestamp("us", "UTC"), [*MOMENT_NUMBERS, None]),
        [text and text + "Z" for text in MOMENT_TEXTS],
    ),
    same(
        "timestamp of a zone",
        of_ints(pa.timestamp("us", "Europe/Berlin"), [0, 1_750_000_000_000_000, None]),
        ["1970-01-01T00:00:00.000000Z", "2025-06-15T15:06:40.000000Z", None],
    ),
    same(
        "timestamp in nanoseconds",
        of_ints(pa.timestamp("ns"), [0, -1, 2**63 - 2, None]),
        [
            *("1970-01-01T00:00:00.000000000", "1969-12-31T23:59:59.999999999", "2262-04-11T23:47:16.854775806"),
            None,
        ],
    ),
    same(
        "timestamp in seconds",
        of_ints(pa.timestamp("s"), [0, -1, 8_000_000_000_000, None]),
        ["1970-01-01T00:00:00", "1969-12-31T23:59:59", "255479-11-28T14:13:20", None],
        read=of_ints(pa.timestamp("ms"), [0, -1000, 8_000_000_000_000_000, None]),
    ),
    Sample(
        "duration",
        of_ints(pa.duration("us"), [0, -1, 2**63 - 1, None]),
        [0, -1, 2**63 - 1, None],
        ["0", "-1", str(2**63 - 1), None],
    ),
]

INTERVALS = [
    interval(0, 0, 0),
    interval(1, -2, 3_000),
    interval(-14, 3, -3_600_000_000_000),
    interval(0, 0, -1_500_000_000),
    interval(25, 0, 90_061_000_000_000),
    interval(-(2**31), 2**31 - 1, -(2**63)),
    None,
]
INTERVAL_TEXTS = [
    *("PT0S", "P1M-2DT0.000003S", "P-1Y-2M3DT-1H", "PT-1.5S", "P2Y1MT25H1M1S"),
    *("P-178956970Y-8M2147483647DT-2562047H-47M-16.854775808S", None),
]

TEXTS = [
    "",
    None,
    "a,b",
    'say "hi"',
    "\\",
    "\\n",
    "a\r\nb",
    "\n",
    CONTROLS,
    "\x7f\x85\u2028\ufeff",
    "🙂 e\u0301",
    "NULL",
]
BYTES = [b"", None, b"\x00\xff", bytes(range(250, 256))]
BYTES_TEXTS = ["", None, "AP8=", "+vv8/f7/"]
TEXTUAL = [
    same("string", pa.array(TEXTS, pa.string()), TEXTS),
    same("large string", pa.array(TEXTS, pa.large_string()), TEXTS),
    same("string view", pa.array(TEXTS, pa.string_view()), TEXTS, read=pa.array(TEXTS, pa.large_string())),
    same("dictionary", pa.array(TEXTS).dictionary_encode(), TEXTS),
    binary("binary", pa.array(BYTES, pa.binary()), BYTES_TEXTS),
    binary("large binary", pa.array(BYTES, pa.large_binary()), BYTES_TEXTS),
    binary("binary view", pa.array(BYTES, pa.binary_view()), BYTES_TEXTS, read=pa.array(BYTES, pa.large_binary())),
    binary("fixed size binary", pa.array([b"ab", None], pa.binary(2)), ["YWI=", None]),
    same(
        "uuid",
        uuids(bytes(16), None, bytes(range(16))),
        ["00000000-0000-0000-0000-000000000000", None, "00010203-0405-0607-0809-0a0b0c0d0e0f"],
    ),
    Sample(
        "json",
        documents('{"a": [1, null, "\\n"]}', None, "null", '"x"', "[1,\n2]", " 12345678901234567890 ", "{}"),
        [{"a": [1, None, "\n"]}, None, None, "x", [1, 2], 12345678901234567890, {}],
        ['{"a": [1, null, "\\n"]}', None, "null", '"x"', "[1,\n2]", " 12345678901234567890 ", "{}"],
    ),
    same("interval", pa.array(INTERVALS, INTERVAL), INTERVAL_TEXTS, read=pa.array(INTERVAL_TEXTS)),
    Sample("null", pa.nulls(3), [None] * 3, [None] * 3),
    Sample("nothing but NULL", pa.nulls(3, pa.int32()), [None] * 3, [None] * 3),
]

NESTED = [
    nested(
        "list of texts",
        pa.array([['a"b', None, ""], [], None, ["\n"]], pa.list_(pa.string())),
        [['a"b', None, ""], [], None, ["\n"]],
        ['["a\\"b",null,""]', "[]", None, '["\\n"]'],
    ),
    nested(
        "list of numbers",
        pa.array([[1, None], [], None, [2**63 - 1]], pa.list_(pa.int64())),
        [[1, None], [], None, [2**63 - 1]],
        ["[1,null]", "[]", None, "[9223372036854775807]"],
    ),
    nested(
        "large list of truth values",
        pa.array([[True, None], [], None], pa.large_list(pa.bool_())),
        [[True, None], [], None],
        ["[true,null]", "[]", None],
    ),
    nested(
        "list of floats",
        pa.array([[NAN, -0.0, 0.5, None]], pa.list_(pa.float64())),
        [["NaN", -0.0, 0.5, None]],
        ['["NaN",-0.0,0.5,null]'],
    ),
    nested(
        "list of decimals",
        pa.array([[Decimal("1.50"), None], []], pa.list_(pa.decimal128(5, 2))),
        [["1.50", None], []],
        ['["1.50",null]', "[]"],
    ),
    nested(
        "list of binary",
        pa.array([[b"\xff", None]], pa.list_(pa.binary())),
        [["/w==", None]],
        ['["/w==",null]'],
        duckdb="list_transform(t::JSON::VARCHAR[], x -> from_base64(x))",
    ),
    nested(
        "list of intervals",
        pa.array([INTERVALS[:2], [], None, [None]], pa.list_(INTERVAL)),
        [INTERVAL_TEXTS[:2], [], None, [None]],
        ['["PT0S","P1M-2DT0.000003S"]', "[]", None, "[null]"],
        read=pa.array([INTERVAL_TEXTS[:2], [], None, [None]], pa.list_(pa.string())),
    ),
    nested(
        "list of dates",
        pa.array([[0, -719163]], pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
        [["1970-01-01", "0000-12-31"]],
        ['["1970-01-01","0000-12-31"]'],
    ),
    nested(
        "list of moments",
        pa.array([[0, None], None], pa.list_(pa.timestamp("us", "UTC"))),
        [["1970-01-01T00:00:00.000000Z", None], None],
        ['["1970-01-01T00:00:00.000000Z",null]', None],
    ),
    nested(
        "list of uuids",
        pa.ListArray.from_arrays([0, 2, 2], uuids(bytes(16), None)),
        [["00000000-0000-0000-0000-000000000000", None], []],
        ['["00000000-0000-0000-0000-000000000000",null]', "[]"],
    ),
    nested(
        "list of documents",
        pa.ListArray.from_arrays([0, 2], documents('{"a":1}', None)),
        [[{"a": 1}, None]],
        ['[{"a":1},null]'],
    ),
    nested(
        "list of dictionaries",
        pa.ListArray.from_arrays([0, 3], pa.array(["a", None, "b"]).dictionary_encode()),
        [["a", None, "b"]],
        ['["a",null,"b"]'],
    ),
    nested(
        "list of nothing but NULL",
        pa.array([[None, None], [], None], pa.list_(pa.null())),
        [[None, None], [], None],
        ["[null,null]", "[]", None],
    ),
    nested(
        "list of lists",
        pa.array([[[1], None, []], [], None], pa.list_(pa.list_(pa.int8()))),
        [[[1], None, []], [], None],
        ["[[1],null,[]]", "[]", None],
    ),
    nested(
        "list of a fixed size",
        pa.array([[1, 2], None, [None, 3]], pa.list_(pa.int8(), 2)),
        [[1, 2], None, [None, 3]],
        ["[1,2]", None, "[null,3]"],
    ),
    nested(
        "struct",
        pa.array(
            [{"a": 1, 'b"': "x"}, None, {"a": None, 'b"': None}], pa.struct([("a", pa.int8()), ('b"', pa.string())])
        ),
        [{"a": 1, 'b"': "x"}, None, {"a": None, 'b"': None}],
        ['{"a":1,"b\\"":"x"}', None, '{"a":null,"b\\"":null}'],
    ),
    nested(
        "struct of intervals",
        pa.array([{"a": INTERVALS[1]}, None], pa.struct([("a", INTERVAL)])),
        [{"a": INTERVAL_TEXTS[1]}, None],
        ['{"a":"P1M-2DT0.000003S"}', None],
        read=pa.array([{"a": INTERVAL_TEXTS[1]}, None], pa.struct([("a", pa.string())])),
    ),
    nested(
        "list of structs",
        pa.array([[{"a": 1}, None], []], pa.list_(pa.struct([("a", pa.int8())]))),
        [[{"a": 1}, None], []],
        ['[{"a":1},null]', "[]"],
    ),
    nested(
        "map",
        pa.array([[("k", 1), ("l", None)], None, []], pa.map_(pa.string(), pa.int8())),
        [[["k", 1], ["l", None]], None, []],
        ['[["k",1],["l",null]]', None, "[]"],
        duckdb="map_from_entries(list_transform(t::JSON::JSON[], x -> (x->>0, (x->>1)::TINYINT)))",
    ),
]

SAMPLES: Sequence[Sample] = [*NUMBERS, *TIMES, *TEXTUAL, *NESTED]
