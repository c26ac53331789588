"""Folders of lines, as the TypeScript connectors keep them, written and read in another language.

What they must be is said here a second time, independently of `src/lines`.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import pyarrow as pa

__all__ = ["TypeName", "cells", "read_back", "type_name", "write_file"]

TypeName: TypeAlias = "str | dict[str, Any]"
_arrow: Any = pa
_UNESCAPED = "-_.!~*'()"
_FIRST = {".": "%2E", "_": "%5F"}

_PLAIN: Mapping[str, Any] = {
    **{name: _arrow.type_for_alias(name) for name in ("null", "bool", "float16", "float32", "float64")},
    **{f"{sign}int{bits}": _arrow.type_for_alias(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "text": pa.string(),
    "large_text": pa.large_string(),
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "interval": _arrow.month_day_nano_interval(),
    "date[day]": pa.date32(),
    "date[ms]": pa.date64(),
}


def arrow_type(name: TypeName) -> Any:  # noqa: PLR0911 a table of types, one entry each
    """Return the Arrow type of a type in a header."""
    if isinstance(name, dict):
        return _nested_type(name)
    if name in _PLAIN:
        return _PLAIN[name]
    found = re.fullmatch(r"(\w+)\[(.*)\]", name)
    assert found is not None, name
    kind, arguments = found[1], found[2].split(", ")
    if kind == "binary":
        return pa.binary(int(arguments[0]))
    if kind == "decimal":
        precision, scale = map(int, arguments)
        return (pa.decimal256 if precision > 38 else pa.decimal128)(precision, scale)
    if kind == "timestamp":
        return _arrow.timestamp(arguments[0], tz=arguments[1] if len(arguments) > 1 else None)
    if kind == "time":
        return _arrow.type_for_alias(f"time{32 if arguments[0] in ('s', 'ms') else 64}[{arguments[0]}]")
    assert kind == "duration", name
    return _arrow.duration(arguments[0])


def _nested_type(name: Mapping[str, Any]) -> Any:
    if "list" in name:
        return pa.list_(arrow_type(name["list"]))
    if "large_list" in name:
        return pa.large_list(arrow_type(name["large_list"]))
    if "list_of" in name:
        return pa.list_(arrow_type(name["list_of"]), name["size"])
    if "struct" in name:
        return pa.struct([(field["name"], arrow_type(field["type"])) for field in name["struct"]])
    key, value = name["map"]
    return pa.map_(arrow_type(key), arrow_type(value))


def column(name: TypeName, cells: Sequence[Any]) -> Any:  # noqa: PLR0911 a table of types, one entry each
    """Return the Arrow array of some cells."""
    type_ = arrow_type(name)
    if name == "null" or pa.types.is_boolean(type_) or pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return pa.array(cells, type_)
    if pa.types.is_floating(type_):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64()).cast(type_)
    if pa.types.is_decimal(type_):
        return pa.array([None if cell is None else Decimal(cell) for cell in cells], type_)
    if isinstance(name, str) and "binary" in name:
        return pa.array([None if cell is None else base64.b64decode(cell, validate=True) for cell in cells], type_)
    if name == "interval":
        return pa.array([None if c is None else _arrow.MonthDayNano([c[0], c[1], int(c[2])]) for c in cells], type_)
    if isinstance(name, dict):
        return _nested_column(name, type_, cells)
    numbers = [None if cell is None else int(cell) for cell in cells]
    if pa.types.is_integer(type_):
        return pa.array(numbers, type_)
    wide = pa.types.is_temporal(type_) and type_.bit_width == 64
    return pa.array(numbers, pa.int64() if wide else pa.int32()).cast(type_)


def _nested_column(name: Mapping[str, Any], type_: Any, cells: Sequence[Any]) -> Any:
    missing = pa.array([cell is None for cell in cells], pa.bool_())
    if "struct" in name:
        fields = [
            column(field["type"], [None if cell is None else cell[field["name"]] for cell in cells])
            for field in name["struct"]
        ]
        return _arrow.StructArray.from_arrays(fields, fields=list(type_), mask=missing)
    items = [item for cell in cells if cell is not None for item in cell]
    offsets = [0]
    for cell in cells:
        offsets.append(offsets[-1] + len(cell or ()))
    if "map" in name:
        keys, values = (column(part, [item[at] for item in items]) for at, part in enumerate(name["map"]))
        nullable = [None if cell is None else offset for cell, offset in zip(cells, offsets, strict=False)]
        return _arrow.MapArray.from_arrays(pa.array([*nullable, offsets[-1]], pa.int32()), keys, values)
    if "list_of" in name:
        filled = [item for cell in cells for item in (cell or [None] * name["size"])]
        return _arrow.FixedSizeListArray.from_arrays(column(name["list_of"], filled), name["size"], mask=missing)
    large = "large_list" in name
    kind = _arrow.LargeListArray if large else _arrow.ListArray
    return kind.from_arrays(
        pa.array(offsets, pa.int64() if large else pa.int32()),
        column(name["large_list" if large else "list"], items),
        mask=missing,
    )


def type_name(type_: Any) -> TypeName:  # noqa: PLR0911 a table of types, one entry each
    """Return how a header writes an Arrow type."""
    for name, plain in _PLAIN.items():
        if type_.equals(plain):
            return name
    if pa.types.is_decimal(type_):
        return f"decimal[{type_.precision}, {type_.scale}]"
    if pa.types.is_fixed_size_binary(type_):
        return f"binary[{type_.byte_width}]"
    if pa.types.is_timestamp(type_):
        return f"timestamp[{type_.unit}, {type_.tz}]" if type_.tz else f"timestamp[{type_.unit}]"
    if pa.types.is_time(type_) or pa.types.is_duration(type_):
        return f"{'time' if pa.types.is_time(type_) else 'duration'}[{type_.unit}]"
    if pa.types.is_map(type_):
        return {"map": [type_name(type_.key_type), type_name(type_.item_type)]}
    if pa.types.is_struct(type_):
        return {"struct": [{"name": field.name, "type": type_name(field.type)} for field in type_]}
    assert pa.types.is_list(type_), type_
    return {"list": type_name(type_.value_type)}


def cells(array: Any) -> list[Any]:
    """Return the cells of an Arrow array."""
    type_ = array.type
    if pa.types.is_temporal(type_) and not pa.types.is_interval(type_):
        array = array.cast(pa.int64() if type_.bit_width == 64 else pa.int32())
    return [_cell(value, type_) for value in array.to_pylist()]


def _cell(value: Any, type_: Any) -> Any:  # noqa: PLR0911 a table of types, one entry each
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value).replace("inf", "Infinity").replace("nan", "NaN")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if pa.types.is_interval(type_):
        return [value[0], value[1], str(value[2])]
    if pa.types.is_struct(type_):
        return {field.name: _cell(value[field.name], field.type) for field in type_}
    if pa.types.is_map(type_):
        return [[_cell(key, type_.key_type), _cell(item, type_.item_type)] for key, item in value]
    if pa.types.is_list(type_):
        return [_cell(item, type_.value_type) for item in value]
    return str(value) if type_.bit_width == 64 else value


def folder_of(config: Mapping[str, Any], namespace: str, stream: str) -> Path:
    """Return the folder of a stream; names are escaped so that none is hidden or leads elsewhere."""
    parts = [quote(part, safe=_UNESCAPED) for part in (namespace, stream) if part]
    return Path(config["path"], *(_FIRST[part[0]] + part[1:] if part[0] in _FIRST else part for part in parts))


def read_back(config: Mapping[str, Any], namespace: str, stream: str) -> pa.Table:
    """Return every row that a reader sees of a stream."""
    tables: list[pa.Table] = []
    for path in sorted(folder_of(config, namespace, stream).glob("*.ndjson")):
        first, *rest = path.read_text(encoding="utf-8").split("\n")
        assert rest, f"{path} has no line"
        assert not rest[-1], f"{path} does not end with a line"
        rows = [json.loads(line) for line in rest[:-1]]
        columns = json.loads(first)["columns"]
        assert all(len(row) == len(columns) for row in rows), path
        arrays = {item["name"]: column(item["type"], [row[at] for row in rows]) for at, item in enumerate(columns)}
        tables.append(pa.table(arrays))
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def write_file(path: Path, columns: Mapping[str, TypeName], rows: Iterable[Sequence[Any]], key: Sequence[str]) -> None:
    """Write one file of a stream."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"columns": [{"name": name, "type": type_} for name, type_ in columns.items()], "key": list(key)}
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in (header, *rows)), encoding="utf-8")
