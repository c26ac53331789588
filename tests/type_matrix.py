"""Every PostgreSQL type in one table, with its extremes, and what the source has to deliver of each.

    with database.connect() as connection:
        create_matrix(connection)
        wanted = expected(connection)
    assert delivered(table) == wanted

What is expected comes from SQL, by another way than the connector's: dates as days, timestamps as microseconds,
everything that is delivered as text as the server writes it. `delivered` brings an Arrow table, of a read or of a
file, into the same form.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg
import pyarrow as pa
from psycopg import sql

__all__ = [
    "CASES",
    "EXTENSION_CASES",
    "TypeCase",
    "create_matrix",
    "delivered",
    "expected",
    "expected_schema",
    "expected_table",
]

JSON = pa.json_(pa.string())
TEXT = pa.string()
DAYS = "({} - date '1970-01-01')"
MICROS = "(extract(epoch FROM {}) * 1000000)::int8"
CLOCK = "(extract(epoch FROM {}) * 1000000)::int8"
AS_TEXT = "{}::text"
PARTS = (
    "CASE WHEN {} IS NOT NULL THEN ARRAY[extract(year FROM {}) * 12 + extract(month FROM {}), extract(day FROM {}),"
    " (extract(hour FROM {}) * 3600000000 + extract(minute FROM {}) * 60000000 + extract(microseconds FROM {})) * 1000]"
    "::int8[] END"
)


@dataclass(frozen=True)
class TypeCase:
    """One column: its name, its declared type, the SQL of its values, and what is delivered.

    `expected` is SQL whose every `{}` is the column: the value in the form of `delivered`.
    """

    column: str
    declared: str
    values: Sequence[str]
    arrow: pa.DataType
    expected: str = "{}"


def _list(element: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", element))


def _text(column: str, declared: str, *values: str) -> TypeCase:
    """A type without Arrow counterpart; values are the text inside the quotes."""
    return TypeCase(column, declared, [f"'{value}'" for value in values], TEXT, AS_TEXT)


TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy ☃');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE float_range AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN amount AS numeric(10,2);
CREATE DOMAIN fine_amount AS amount CHECK (VALUE >= 0);
CREATE DOMAIN code AS char(4);
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN document AS jsonb;
CREATE DOMAIN feeling AS mood;
CREATE DOMAIN numbers AS int[];
CREATE DOMAIN couple AS pair;
"""

NUMBERS = [
    TypeCase("t_bool", "bool", ["true", "false"], pa.bool_()),
    TypeCase("t_int2", "int2", ["-32768", "0", "32767"], pa.int16()),
    TypeCase("t_int4", "int4", ["-2147483648", "0", "2147483647"], pa.int32()),
    TypeCase("t_int8", "int8", ["-9223372036854775808", "9007199254740993", "9223372036854775807"], pa.int64()),
    TypeCase(
        "t_float4",
        "float4",
        ["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'1e-45'", "'3.4028235e38'", "'0.1'", "'-3.4028235e38'"],
        pa.float32(),
        "{}::float8",
    ),
    TypeCase(
        "t_float8",
        "float8",
        ["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'5e-324'", "'1.7976931348623157e308'", "'0.1'"],
        pa.float64(),
    ),
    TypeCase("t_numeric_38_0", "numeric(38,0)", ["9" * 38, "-" + "9" * 38, "0"], pa.decimal128(38, 0)),
    TypeCase(
        "t_numeric_38_10",
        "numeric(38,10)",
        [f"{'9' * 28}.{'9' * 10}", f"-{'9' * 28}.{'9' * 10}", "0.0000000001"],
        pa.decimal128(38, 10),
    ),
    TypeCase("t_numeric_38_38", "numeric(38,38)", [f"0.{'9' * 38}", f"-0.{'0' * 37}1"], pa.decimal128(38, 38)),
    TypeCase("t_numeric_39_5", "numeric(39,5)", [f"{'9' * 34}.{'9' * 5}", "-0.00001"], pa.decimal256(39, 5)),
    TypeCase("t_numeric_76_0", "numeric(76,0)", ["9" * 76, "-" + "9" * 76], pa.decimal256(76, 0)),
    TypeCase("t_numeric_76_30", "numeric(76,30)", [f"{'9' * 46}.{'9' * 30}", f"-0.{'0' * 29}1"], pa.decimal256(76, 30)),
    TypeCase("t_numeric_77_2", "numeric(77,2)", [f"{'9' * 75}.99", "'NaN'"], TEXT, AS_TEXT),
    TypeCase("t_numeric_3_minus_2", "numeric(3,-2)", ["12345", "-99900", "0"], pa.decimal128(5, 0)),
    TypeCase("t_numeric_3_5", "numeric(3,5)", ["0.00999", "-0.00001"], pa.decimal128(5, 5)),
    TypeCase(
        "t_numeric",
        "numeric",
        ["'NaN'", "'Infinity'", "'-Infinity'", "1.500", "9" * 120, "1e-100", "-0.0"],
        TEXT,
        AS_TEXT,
    ),
    TypeCase(
        "t_money",
        "money",
        ["'-92233720368547758.08'", "'92233720368547758.07'", "'0.01'"],
        pa.decimal128(19, 2),
        "{}::numeric",
    ),
    TypeCase("t_oid", "oid", ["0", "2147483648", "4294967295"], pa.int64(), "{}::int8"),
    TypeCase("t_xid", "xid", ["'0'", "'4294967295'"], pa.int64(), "{}::text::int8"),
    TypeCase("t_cid", "cid", ["'0'", "'4294967295'"], pa.int64(), "{}::text::int8"),
    _text("t_xid8", "xid8", "0", "18446744073709551615"),
]

TEXTS = [
    TypeCase(
        "t_text",
        "text",
        ["''", "'NULL'", "E'\\\\N'", "E'a\\tb\\nc\\\\d\"e''f'", "'☃ 😀 ÄÖ'", "repeat('long', 5000)", "'  trailing  '"],
        TEXT,
    ),
    TypeCase("t_varchar", "varchar(5)", ["''", "'ab   '", "'😀😀😀😀😀'"], TEXT),
    TypeCase("t_char", "char(5)", ["''", "'ab'", "'abcde'"], TEXT),
    TypeCase("t_name", "name", ["'pg_class'", "repeat('n', 63)"], TEXT),
    _text("t_one_char", '"char"', "x", ""),
    TypeCase("t_bytea", "bytea", ["''", "'\\x00ff00'", "decode(repeat('ab', 70000), 'hex')"], pa.binary()),
    TypeCase("t_enum", "mood", ["'sad'", "'it''s ok'", "'happy ☃'"], TEXT, AS_TEXT),
    TypeCase(
        "t_uuid",
        "uuid",
        ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
        pa.uuid(),
        AS_TEXT,
    ),
    TypeCase("t_json", "json", ['\'{"b": 1,  "a": [1e400, null], "b": 2}\'', "'null'", "'\"☃\"'"], JSON, AS_TEXT),
    TypeCase(
        "t_jsonb", "jsonb", ['\'{"b": 1,  "a": [12345678901234567890.5, null]}\'', "'null'", "'[]'"], JSON, AS_TEXT
    ),
    TypeCase("t_bit", "bit(3)", ["B'000'", "B'101'"], TEXT, AS_TEXT),
    TypeCase("t_varbit", "varbit", ["B''", "B'1'", "repeat('10', 40)::varbit"], TEXT, AS_TEXT),
    _text("t_tsvector", "tsvector", "", "a:1 fat:2,4 cat:3A"),
    _text("t_tsquery", "tsquery", "fat & (rat | cat)", "!a"),
    _text("t_jsonpath", "jsonpath", '$."a"[*]?(@ > 1)'),
    _text("t_refcursor", "refcursor", "portal"),
]

TIMES = [
    TypeCase(
        "t_date",
        "date",
        ["'4714-11-24 BC'", "'0001-01-01'", "'1969-12-31'", "'1970-01-01'", "'9999-12-31'", "'5874897-12-31'"],
        pa.date32(),
        DAYS,
    ),
    TypeCase(
        "t_timestamp",
        "timestamp",
        [
            "'4714-11-24 00:00:00 BC'",
            "'0044-03-15 12:00:00.000001 BC'",
            "'1969-12-31 23:59:59.999999'",
            "'2038-01-19 03:14:08'",
            "'294246-12-31 23:59:59.999999'",
        ],
        pa.timestamp("us"),
        MICROS,
    ),
    TypeCase("t_timestamp_0", "timestamp(0)", ["'2024-02-29 23:59:59.6'"], pa.timestamp("us"), MICROS),
    TypeCase(
        "t_timestamptz",
        "timestamptz",
        [
            "'4714-11-24 00:00:00+00 BC'",
            "'2024-03-31 02:30:00+14'",
            "'1969-12-31 23:59:59.999999-12'",
            "'294246-12-31 23:59:59.999999+00'",
        ],
        pa.timestamp("us", tz="UTC"),
        MICROS,
    ),
    TypeCase("t_time", "time", ["'00:00'", "'23:59:59.999999'"], pa.time64("us"), CLOCK),
    _text("t_timetz", "timetz", "00:00:00+15:59", "24:00:00-15:59", "12:34:56.789012+05:30"),
    TypeCase(
        "t_interval",
        "interval",
        [
            "'0'",
            "'178000000 years 11 months -3 days 04:05:06.789012'",
            "'-1 month +40 days -00:00:00.000001'",
            "'2562047:47:16.854775'",
            "'-2562047:47:16.854775'",
        ],
        pa.month_day_nano_interval(),
        PARTS,
    ),
]

PLACES = [
    _text("t_inet", "inet", "192.168.0.1", "10.1.2.3/8", "::1", "2001:db8::/32"),
    _text("t_cidr", "cidr", "10.0.0.0/8", "2001:db8::/32"),
    _text("t_macaddr", "macaddr", "08:00:2b:01:02:03"),
    _text("t_macaddr8", "macaddr8", "08:00:2b:01:02:03:04:05"),
    _text("t_point", "point", "(1.5,-2)", "(NaN,Infinity)"),
    _text("t_line", "line", "{1,2,3}"),
    _text("t_lseg", "lseg", "[(0,0),(1,1)]"),
    _text("t_box", "box", "(1,1),(0,0)"),
    _text("t_path", "path", "[(0,0),(1,1)]", "((0,0),(1,1))"),
    _text("t_polygon", "polygon", "((0,0),(1,1),(1,0))"),
    _text("t_circle", "circle", "<(0,0),1.5>"),
    _text("t_pg_lsn", "pg_lsn", "0/0", "FFFFFFFF/FFFFFFFF"),
    _text("t_tid", "tid", "(0,1)", "(4294967295,65535)"),
    _text("t_pg_snapshot", "pg_snapshot", "10:20:10,14,15"),
    _text("t_regclass", "regclass", "pg_class"),
    _text("t_int2vector", "int2vector", "1 -2 3", ""),
    _text("t_oidvector", "oidvector", "1 4294967295"),
]

RANGES = [
    _text("t_int4range", "int4range", "empty", "[1,5)", "(,)"),
    _text("t_int8range", "int8range", "[-9223372036854775808,9223372036854775807)"),
    _text("t_numrange", "numrange", "[1.10,2.2]", "(,NaN)"),
    _text("t_daterange", "daterange", "[2024-01-01,infinity)"),
    _text("t_tsrange", "tsrange", "[2024-01-01 00:00:00.5,)"),
    _text("t_tstzrange", "tstzrange", "[2024-01-01 00:00:00+02,infinity]"),
    _text("t_float_range", "float_range", "[0.1,Infinity)"),
    _text("t_int4multirange", "int4multirange", "{}", "{[1,2),[5,9)}"),
    _text("t_datemultirange", "datemultirange", "{[2024-01-01,2024-02-01),[2025-01-01,)}"),
]

ARRAYS = [
    TypeCase("t_bools", "bool[]", ["'{}'", "'{t,NULL,f}'"], _list(pa.bool_())),
    TypeCase("t_int2s", "int2[]", ["'{}'", "'{-32768,NULL,32767}'"], _list(pa.int16())),
    TypeCase("t_int4s", "int4[]", ["'{}'", "'{-2147483648,NULL,2147483647}'"], _list(pa.int32())),
    TypeCase("t_int8s", "int8[]", ["'{-9223372036854775808,NULL}'"], _list(pa.int64())),
    TypeCase("t_oids", "oid[]", ["'{4294967295,NULL}'"], _list(pa.int64()), "{}::int8[]"),
    TypeCase("t_float4s", "float4[]", ["'{NaN,-0,0.1,NULL}'"], _list(pa.float32()), "{}::float8[]"),
    TypeCase("t_float8s", "float8[]", ["'{NaN,-Infinity,0.1,NULL}'"], _list(pa.float64())),
    TypeCase("t_texts", "text[]", ["'{}'", '\'{"",NULL,"NULL","a,b","{}","q\\"\\\\"}\''], _list(TEXT)),
    TypeCase("t_varchars", "varchar(3)[]", ["'{abc,\"a  \"}'"], _list(TEXT)),
    TypeCase("t_chars", "char(3)[]", ["'{a,abc,NULL}'"], _list(TEXT)),
    TypeCase("t_byteas", "bytea[]", ["ARRAY['\\x00ff'::bytea, NULL, '']"], _list(pa.binary())),
    TypeCase("t_amounts", "numeric(10,2)[]", ["'{}'", "'{1.10,NULL,-99999999.99}'"], _list(pa.decimal128(10, 2))),
    TypeCase("t_numerics", "numeric[]", ["'{1.100,NaN,NULL}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_moneys", "money[]", ["ARRAY['1.50'::money, NULL]"], _list(pa.decimal128(19, 2)), "{}::numeric[]"),
    TypeCase("t_dates", "date[]", ["'{infinity,0044-03-15 BC,NULL}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_times", "time[]", ["'{24:00,NULL}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_timestamptzs", "timestamptz[]", ["'{2024-01-01 00:00+02,-infinity}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_uuids", "uuid[]", ["ARRAY[gen_random_uuid(), NULL]"], _list(TEXT), "{}::text[]"),
    TypeCase("t_moods", "mood[]", ["ARRAY['it''s ok', NULL]::mood[]"], _list(TEXT), "{}::text[]"),
    TypeCase("t_jsonbs", "jsonb[]", ["ARRAY['{\"a\": 1}', 'null', NULL]::jsonb[]"], _list(TEXT), "{}::text[]"),
    TypeCase("t_intervals", "interval[]", ["'{1 day 03:00,NULL}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_ranges", "int4range[]", ["'{\"[1,3)\",empty}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_positives", "positive[]", ["'{1,NULL}'"], _list(TEXT), "{}::text[]"),
    TypeCase("t_matrix", "int4[][]", ["'{{1,2},{3,NULL}}'", "'{}'", "'{1}'"], JSON, "to_jsonb({})::text"),
    TypeCase("t_pairs", "pair[]", ["ARRAY[(1,'x')::pair, NULL]"], JSON, "to_jsonb({})::text"),
]

COMPOSED = [
    TypeCase("t_positive", "positive", ["1", "2147483647"], pa.int32()),
    TypeCase("t_amount", "amount", ["1.50", "-99999999.99"], pa.decimal128(10, 2)),
    TypeCase("t_fine_amount", "fine_amount", ["0.01"], pa.decimal128(10, 2)),
    TypeCase("t_code", "code", ["'ab'"], TEXT, "{}::bpchar"),
    TypeCase("t_moment", "moment", ["'2024-01-01 00:00+02'"], pa.timestamp("us", tz="UTC"), MICROS),
    TypeCase("t_document", "document", ["'{\"a\": 1}'"], JSON, AS_TEXT),
    TypeCase("t_feeling", "feeling", ["'sad'"], TEXT, AS_TEXT),
    TypeCase("t_numbers", "numbers", ["'{1,NULL}'"], _list(pa.int32())),
    TypeCase("t_pair", "pair", ["(1,'x')", "(NULL,NULL)", "(-1,'q\"{☃}')"], JSON, "to_jsonb({})::text"),
    TypeCase("t_couple", "couple", ["(1,'x')"], JSON, "to_jsonb({})::text"),
]

CASES: Sequence[TypeCase] = [*NUMBERS, *TEXTS, *TIMES, *PLACES, *RANGES, *ARRAYS, *COMPOSED]
"""What every server of 14 or newer has."""

EXTENSION_CASES: Sequence[TypeCase] = [
    _text("t_xml", "xml", '<a b="1">☃</a>'),
    _text("t_hstore", "hstore", 'a=>1, b=>NULL, "c d"=>"e"'),
    _text("t_citext", "citext", "MiXeD  "),
    _text("t_ltree", "ltree", "Top.Science.Astronomy"),
    TypeCase("t_citexts", "citext[]", ["'{A,b,NULL}'"], _list(TEXT), "{}::text[]"),
]
"""What needs contrib modules, or a server built with libxml: Debian's."""

EXTENSIONS = "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;"


def create_matrix(
    connection: psycopg.Connection, cases: Sequence[TypeCase] = CASES, *, table: str = "type_matrix"
) -> int:
    """Create the types and the table, and return its rows: row n has each column's nth value, the last only NULL."""
    if any(case in EXTENSION_CASES for case in cases):
        _run(connection, EXTENSIONS)
    _run(connection, TYPES)
    columns = ", ".join(f"{case.column} {case.declared}" for case in cases)
    _run(connection, f"CREATE TABLE {table} (id int PRIMARY KEY, {columns})")
    rows = max(len(case.values) for case in cases) + 1
    for row in range(rows):
        values = [case.values[row] if row < len(case.values) else "NULL" for case in cases]
        _run(connection, f"INSERT INTO {table} VALUES ({row}, {', '.join(values)})")
    return rows


def expected(
    connection: psycopg.Connection, cases: Sequence[TypeCase] = CASES, *, table: str = "type_matrix"
) -> dict[str, list[object]]:
    """Ask the server for the values of each column, in order of `id`, in the form of `delivered`."""
    answers = _asked(connection, cases, table)
    return {name: [_comparable(value) for value in values] for name, values in answers.items()}


def expected_table(
    connection: psycopg.Connection, cases: Sequence[TypeCase] = CASES, *, table: str = "type_matrix"
) -> pa.Table:
    """Ask the server for the same, as an Arrow table of the types in which it is to be delivered."""
    answers = _asked(connection, cases, table)
    return pa.table({name: _array(answers[name], kind) for name, kind in expected_schema(cases).items()})


def _asked(connection: psycopg.Connection, cases: Sequence[TypeCase], table: str) -> dict[str, list[object]]:
    _run(connection, "SET TimeZone = 'UTC'; SET extra_float_digits = 1")
    answers: dict[str, list[object]] = {}
    for name, expression in [("id", "id"), *((c.column, c.expected.replace("{}", c.column)) for c in cases)]:
        query = sql.SQL(cast("LiteralString", f"SELECT {expression} FROM {table} AS t ORDER BY t.id"))
        answers[name] = [value for (value,) in connection.execute(query).fetchall()]
    return answers


def _array(values: Sequence[Any], kind: Any) -> Any:
    """An Arrow array from values in the form of SQL's answers."""
    if isinstance(kind, pa.UuidType):
        return _stored([None if value is None else uuid.UUID(value).bytes for value in values], kind)
    if isinstance(kind, pa.BaseExtensionType):
        return _stored(values, kind)
    if pa.types.is_interval(kind):
        spans = [
            None if value is None else cast("Any", pa).MonthDayNano([int(part) for part in value]) for value in values
        ]
        return pa.array(spans, kind)
    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def _stored(values: Sequence[Any], kind: Any) -> Any:
    return kind.wrap_array(pa.array(values, kind.storage_type))


def expected_schema(cases: Sequence[TypeCase] = CASES) -> Mapping[str, pa.DataType]:
    """Return the type in which each column is delivered."""
    return {"id": pa.int32(), **{case.column: case.arrow for case in cases}}


def delivered(table: pa.Table) -> dict[str, list[object]]:
    """Return the values of each column of an Arrow table, sorted by `id`, in a form in which equal means identical."""
    table = cast("Any", table).sort_by("id")
    return {name: [_comparable(value) for value in _values(table, name)] for name in table.schema.names}


def _values(table: pa.Table, name: str) -> list[object]:
    column: Any = cast("Any", table).column(name).combine_chunks()
    kind: pa.DataType = column.type
    if kind == JSON:
        return column.storage.to_pylist()
    if pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        column = column.cast(pa.int64())
    return column.to_pylist()


def _comparable(value: object) -> object:
    """NaN equals itself, 0.0 differs from -0.0, and what Arrow and psycopg wrap differently becomes one."""
    match value:
        case float():
            return value.hex()
        case uuid.UUID():
            return str(value)
        case dt.timedelta() | dt.date() | dt.time():
            raise AssertionError(f"{value!r} is no exact form: select it as a number")
        case list() | tuple():
            return [_comparable(item) for item in cast("Sequence[object]", value)]
        case _:
            return value


def _run(connection: psycopg.Connection, statement: str) -> None:
    connection.execute(sql.SQL(cast("LiteralString", statement)))
