"""Fills the folders that the TypeScript connectors are judged with; called by their case files."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from towpath_conformance.values import matrix
from typescript_lines import TypeName, cells, type_name, write_file

__all__ = ["add_rows", "lock", "prepare", "seed"]

_LARGE_FILES = 256


def prepare(config: Mapping[str, Any]) -> None:
    """Lock the folder that the destination is judged with, and hold its neighbour."""
    lock(config)
    held = Path(config["path"]).parent / "held"
    held.mkdir()
    (held / ".hold").touch()


def lock(config: Mapping[str, Any]) -> None:
    """Lock the configured folder with the configured key."""
    folder = Path(config["path"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".lock").write_text(hmac.new(config["key"].encode(), b"towpath lines", hashlib.sha256).hexdigest())


def seed(config: Mapping[str, Any]) -> None:
    """Fill what the source is judged with: the configured folder, and others beside it."""
    lock(config)
    folder = Path(config["path"])
    orders: dict[str, TypeName] = {"id": "int64", "customer": "text", "total": "decimal[12, 2]"}
    for number in range(3):
        rows = [[str(100 * number + row), f"c{row % 7}" if row % 5 else None, f"{row}.50"] for row in range(40)]
        write_file(folder / "orders" / f"{number}.ndjson", orders, rows, ["id"])
    write_file(folder / "shop" / "items" / "0.ndjson", {"id": "int64", "name": "text"}, _items(0, 50), ["id"])
    write_file(folder / "empty" / "0.ndjson", {"id": "int64"}, [], ["id"])
    write_file(folder / "broken" / "0.ndjson", {"id": "int64"}, [["1"], ["2"], ["three"]], ["id"])
    write_file(folder / "changing" / "0.ndjson", {"id": "int64"}, [[str(row)] for row in range(30)], ["id"])
    later: dict[str, TypeName] = {"id": "int64", "note": "text"}
    write_file(folder / "changing" / "1.ndjson", later, [[str(row), f"n{row}"] for row in range(30, 60)], ["id"])
    write_file(folder / "wide" / "0.ndjson", {"text": "text"}, [["x" * 100_000], ["y"]], [])
    write_file(folder / "held" / "0.ndjson", {"id": "int64"}, [["1"]], ["id"])
    (folder / "held" / ".hold").touch()
    _seed_types(folder)
    _seed_many(folder.parent / "many")
    _seed_large(folder / "large")


def add_rows(config: Mapping[str, Any]) -> None:
    """Append rows to the stream that is read incrementally."""
    path = Path(config["path"], "shop", "items", "0.ndjson")
    with path.open("r+", encoding="utf-8") as file:
        there = len(file.readlines()) - 1
        file.writelines(f"{json.dumps(row)}\n" for row in _items(there, 25))


def _items(first: int, count: int) -> list[list[str]]:
    return [[str(number), f"item {number}"] for number in range(first, first + count)]


def _seed_types(folder: Path) -> None:
    """Write the judge's own matrix of values as lines, and as the rows that must come out of them."""
    names, arrays = matrix().schema.names, matrix().columns
    table = pa.table({name: _plain(array.combine_chunks()) for name, array in zip(names, arrays, strict=True)})
    types: dict[str, TypeName] = {field.name: type_name(field.type) for field in table.schema}
    rows = list(zip(*(cells(array.combine_chunks()) for array in table.columns), strict=True))
    write_file(folder / "types" / "0.ndjson", types, rows, ["id"])
    with pa.ipc.new_file(str(folder.parent / "types.arrow"), table.schema) as writer:
        writer.write_table(table)


def _plain(array: Any) -> Any:
    """Return an array without extension type and dictionary, which lines do not have."""
    if isinstance(array.type, pa.BaseExtensionType):
        return array.storage
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _seed_many(folder: Path) -> None:
    """Ten thousand streams that share one file."""
    first = folder / "stream-00000" / "0.ndjson"
    write_file(first, {"id": "int64"}, [["1"]], ["id"])
    for number in range(1, 10_000):
        stream = folder / f"stream-{number:05}"
        stream.mkdir()
        os.link(first, stream / "0.ndjson")


def _seed_large(folder: Path) -> None:
    """One GiB of rows in files of 4 MiB that share their content."""
    first = folder / "000.ndjson"
    rows = [[str(row), "0123456789abcdef" * 1024] for row in range(256)]
    write_file(first, {"id": "int64", "text": "text"}, rows, [])
    for number in range(1, _LARGE_FILES):
        os.link(first, folder / f"{number:03}.ndjson")
