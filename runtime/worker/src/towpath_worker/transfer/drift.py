"""Schema drift: what differs between the schema of the last run and the one that a source announces."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from towpath_worker.transfer.ledger import violation

__all__ = ["differences", "read_schema"]


def read_schema(ipc_schema: bytes) -> pa.Schema:
    """Decode an encapsulated IPC Schema message; Bug of the connector when it is none."""
    try:
        return pa.ipc.read_schema(pa.py_buffer(ipc_schema))
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise violation(f"a schema is not an Arrow IPC Schema message: {error}") from error


def differences(before: pa.Schema, after: pa.Schema) -> list[str]:
    """Say what changed, column by column, for people; empty when nothing that matters did. Order does not matter."""
    old, new = _types(before), _types(after)
    changes = [f"column `{name}` ({new[name]}) was added" for name in new if name not in old]
    changes += [f"column `{name}` ({old[name]}) was removed" for name in old if name not in new]
    changes += [
        f"column `{name}` changed from {old[name]} to {new[name]}"
        for name in new
        if name in old and old[name] != new[name]
    ]
    return changes


def _types(schema: pa.Schema) -> dict[str, str]:
    fields: Any = schema
    return {str(field.name): str(field.type) for field in fields}
