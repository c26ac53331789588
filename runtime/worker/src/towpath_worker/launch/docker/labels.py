"""Labels of containers and networks: who made them, and what for."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

__all__ = ["CONNECTOR", "JOB", "MACHINE", "RUN_DIR", "is_of_this_machine", "machine"]

_MACHINE_ID = Path("/etc/machine-id")

RUN_DIR = "io.towpath.run-dir"
"""Folder of the worker that made it. Its lock tells whether that worker lives."""

MACHINE = "io.towpath.machine"
"""The machine of that worker, which alone can look at the lock: an engine may serve workers of many."""

JOB = "io.towpath.job"
"""Resource name of the job that it works for; empty for a check, a discovery, or the reading of a spec."""

CONNECTOR = "io.towpath.connector"
"""What the worker calls the connector, such as `source connectors/shop`."""


def machine() -> str:
    """Return what tells this machine, or container, from others: its host name, and its id where it has one."""
    known = _MACHINE_ID.read_text().strip() if _MACHINE_ID.is_file() else ""
    return f"{socket.gethostname()}/{known}"


def is_of_this_machine(labels: Mapping[str, str]) -> bool:
    """Whether a worker of this machine made what has these labels."""
    return labels.get(MACHINE, machine()) == machine()
