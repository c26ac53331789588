"""All checks, one module a group. Importing this package registers them, in the order of judgement."""

from __future__ import annotations

from towpath_conformance.checks import (
    check_fields,
    check_probes,
    handshake,
    handshake_access,
    handshake_spec,
    read,
    write_modes,
    write_plans,
    write_publish,
    write_recovery,
    write_stream,
    write_values,
)

__all__ = [
    "check_fields",
    "check_probes",
    "handshake",
    "handshake_access",
    "handshake_spec",
    "read",
    "write_modes",
    "write_plans",
    "write_publish",
    "write_recovery",
    "write_stream",
    "write_values",
]
