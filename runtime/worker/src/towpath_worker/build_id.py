"""The name under which Temporal notes, with every step of a workflow, which code took it.

Left to itself the library reads and hashes the bytecode of every imported module, a quarter of a second of each start.
Only what a replay depends on is hashed here: the workflows, and what they say to the server.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import towpath_contracts

from towpath_worker import workflows

__all__ = ["build_id"]


def build_id() -> str:
    """Return it: the same for the same code, on every machine."""
    digest = hashlib.sha256()
    for package in (workflows, towpath_contracts):
        for folder in package.__path__:
            for path in sorted(Path(folder).glob("*.py")):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
