"""Schema drift: what differs between the schema of the last run and the one that a source announces."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from towpath.control.v1.connections_pb2 import ColumnChange

from towpath_worker.transfer.ledger import violation

__all__ = ["described", "differences", "read_schema"]


def read_schema(ipc_schema: bytes) -> pa.Schema:
    """Decode an encapsulated IPC Schema message; Bug of the connector when it is none."""
    try:
        return pa.ipc.read_schema(pa.py_buffer(ipc_schema))
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise violation(f"a schema is not an Arrow IPC Schema message: {error}") from error


def differences(before: pa.Schema, after: pa.Schema) -> list[ColumnChange]:
    """Say what changed, column by column; empty when nothing that matters did. Order does not matter."""
    old, new = _types(before), _types(after)
    changes = [ColumnChange(column=name, type_after=new[name]) for name in new if name not in old]
    changes += [ColumnChange(column=name, type_before=old[name]) for name in old if name not in new]
    changes += [
        ColumnChange(column=name, type_before=old[name], type_after=new[name])
        for name in new
        if name in old and old[name] != new[name]
    ]
    return changes


def described(change: ColumnChange) -> str:
    """Say what became of a column, for people."""
    if not change.type_before:
        return f"column `{change.column}` ({change.type_after}) was added"
    if not change.type_after:
        return f"column `{change.column}` ({change.type_before}) was removed"
    return f"column `{change.column}` changed from {change.type_before} to {change.type_after}"


def _types(schema: pa.Schema) -> dict[str, str]:
    fields: Any = schema
    return {str(field.name): str(field.type) for field in fields}
