"""Columns of an Arrow schema, as text."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa

__all__ = ["column_types"]


def column_types(schema: pa.Schema) -> dict[str, str]:
    """Return the type of each column by its name, such as "int64 not null"."""
    fields: list[Any] = [cast("Any", schema).field(index) for index in range(len(schema))]
    return {field.name: f"{field.type}{'' if field.nullable else ' not null'}" for field in fields}
