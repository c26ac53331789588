"""All checks, one module a group. Importing this package registers them, in the order of judgement."""

from __future__ import annotations

from towpath_conformance.checks import (
    check_fields,
    check_probes,
    discover_call,
    discover_catalogue,
    fault_batches,
    fault_order,
    fault_versions,
    handshake,
    handshake_access,
    handshake_spec,
    read_batches,
    read_checkpoints,
    read_order,
    read_selection,
    read_splits,
    read_streams,
    read_types,
    secrecy,
    state_ack_numbers,
    state_acks,
    state_drain,
    state_held,
    state_refusal,
    state_resume,
    write_modes,
    write_plans,
    write_publish,
    write_recovery,
    write_stream,
    write_values,
)
from towpath_conformance.registry import CHECKS, Group

__all__ = [
    "check_fields",
    "check_probes",
    "discover_call",
    "discover_catalogue",
    "fault_batches",
    "fault_order",
    "fault_versions",
    "handshake",
    "handshake_access",
    "handshake_spec",
    "read_batches",
    "read_checkpoints",
    "read_order",
    "read_selection",
    "read_splits",
    "read_streams",
    "read_types",
    "secrecy",
    "state_ack_numbers",
    "state_acks",
    "state_drain",
    "state_held",
    "state_refusal",
    "state_resume",
    "write_modes",
    "write_plans",
    "write_publish",
    "write_recovery",
    "write_stream",
    "write_values",
]

_groups = list(Group)
for _check in sorted(CHECKS.values(), key=lambda check: _groups.index(check.group)):
    CHECKS[_check.id] = CHECKS.pop(_check.id)  # modules come in the order of their names, groups in theirs
