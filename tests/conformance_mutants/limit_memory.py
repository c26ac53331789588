"""Destinations that hold more than they should."""

from __future__ import annotations

from typing import Any

from towpath_destination_local import LocalDestination
from towpath_destination_local.config import LocalConfig
from towpath_sdk import Batch, Committed, Context, OpenWrite, Writer

from conformance_mutants.mutant import mutant
from conformance_mutants.write_storage import Wrapped

__all__ = ["KeepsUntilTheCommit"]


class KeepsUntilTheCommit(LocalDestination):
    """Collects in memory what a commit will cover."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open a writer that collects."""
        return _Collecting(super().open(config, write, context), write)


class _Collecting(Wrapped):
    def __init__(self, inner: Writer, write: OpenWrite) -> None:
        super().__init__(inner, write)
        self._collected: list[Batch] = []

    def write(self, batch: Batch) -> None:
        self._collected.append(batch)

    def commit(self, commit_seq: int) -> Committed:
        for batch in self._collected:
            super().write(batch)
        self._collected.clear()
        return super().commit(commit_seq)


mutant(
    "limit.uncommitted-memory",
    "destination",
    "keeps in memory what is not committed",
    command="keeps-until-the-commit",
    case={"patience.memory_mib": 300, "patience.slow_reader_seconds": 10, "patience.idle_seconds": 0.5},
    within=("limit",),
)
