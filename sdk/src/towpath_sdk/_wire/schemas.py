"""Arrow schemas: their fields, their messages, and what lies nested in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import pyarrow as pa

from towpath_sdk.errors import Bug

__all__ = ["Field", "decode_schema", "encode_schema", "fields_of", "has_dictionary", "selected"]

Field: TypeAlias = "pa.Field[Any]"
"""A field of any type."""


def encode_schema(schema: pa.Schema) -> bytes:
    """Encode a schema as one encapsulated IPC Schema message."""
    return schema.serialize().to_pybytes()


def decode_schema(ipc_schema: bytes) -> pa.Schema:
    """Decode one encapsulated IPC Schema message. Raises Bug when it is none."""
    try:
        return pa.ipc.read_schema(pa.py_buffer(ipc_schema))
    except (pa.ArrowException, OSError) as error:
        raise Bug(f"the schema is not an Arrow IPC schema message: {error}", reason="MALFORMED_SCHEMA") from error


def fields_of(schema: pa.Schema) -> list[Field]:
    """The fields of a schema, in order."""
    return list(cast("Sequence[Field]", schema))


def selected(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """The schema of these columns, in this order; all of them exist."""
    by_name = {field.name: field for field in fields_of(schema)}
    return pa.schema([by_name[name] for name in columns], cast("Any", schema.metadata))


def has_dictionary(schema: pa.Schema) -> bool:
    """Say whether a column is dictionary-encoded, at any depth."""
    return any(_has_dictionary(field.type) for field in fields_of(schema))


def _has_dictionary(data_type: pa.DataType) -> bool:
    if isinstance(data_type, pa.BaseExtensionType):
        return _has_dictionary(data_type.storage_type)
    if pa.types.is_dictionary(data_type):
        return True
    nested = cast("Any", data_type)
    return any(_has_dictionary(nested.field(i).type) for i in range(data_type.num_fields))
