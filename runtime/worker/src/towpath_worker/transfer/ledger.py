"""The counts of one stream: what was read, what is covered by which checkpoint, what was asked to be durable, what is.

Values in, values out; no I/O and no clock. Every rule of the protocol about order and counts is checked here, so that
a property test needs no connector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from towpath_sdk.errors import Bug, Owner

__all__ = ["Checkpoint", "Commit", "Ledger", "violation"]

MISMATCH = "ROW_COUNT_MISMATCH"
VIOLATION = "PROTOCOL_VIOLATION"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A resume point of the source; `rows` are those since the checkpoint before."""

    seq: int
    state: bytes
    state_version: int
    up_to_batch_seq: int
    rows: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that the destination was asked for; `rows` and `bytes` are the broker's, since the commit before."""

    seq: int
    up_to_batch_seq: int
    checkpoint: Checkpoint
    source_rows: int
    rows: int
    bytes: int
    ipc_schema: bytes


@dataclass(frozen=True, slots=True)
class Ledger:
    """One stream's books, within one pair of calls.

    `commit_seq` is the last commit asked for, `stored` the state that the platform holds or will hold once `pending`
    has settled. Rows and bytes count since that commit.
    """

    commit_seq: int = 0
    stored: tuple[bytes, int] = (b"", 0)
    schema_ids: frozenset[int] = frozenset()
    ipc_schema: bytes = b""
    batch_seq: int = 0
    checkpoint: Checkpoint | None = None
    checkpoint_seq: int = 0
    covered_batch_seq: int = 0
    source_rows: int = 0
    rows: int = 0
    bytes: int = 0
    rejected: int = 0
    pending: tuple[Commit, ...] = ()

    def announced(self, schema_id: int, ipc_schema: bytes) -> Ledger:
        """Book a schema."""
        last = max(self.schema_ids, default=0)
        if schema_id <= last:
            raise violation(f"schema id {schema_id} follows {last}; ids must increase")
        if not ipc_schema:
            raise violation(f"schema {schema_id} is empty")
        return replace(self, schema_ids=self.schema_ids | {schema_id}, ipc_schema=ipc_schema)

    def batched(self, batch_seq: int, schema_id: int, rows: int, payload_bytes: int) -> Ledger:
        """Book a batch that is passed on."""
        if schema_id not in self.schema_ids:
            raise violation(f"batch {batch_seq} has schema id {schema_id}, which was not announced")
        if batch_seq != self.batch_seq + 1:
            raise violation(f"batch {batch_seq} follows batch {self.batch_seq}; numbers must increase by one")
        if rows < 1:
            raise violation(f"batch {batch_seq} has no rows")
        if payload_bytes < 1:
            raise violation(f"batch {batch_seq} has no data")
        return replace(self, batch_seq=batch_seq, rows=self.rows + rows, bytes=self.bytes + payload_bytes)

    def checkpointed(self, checkpoint: Checkpoint) -> Ledger:
        """Book a checkpoint."""
        if checkpoint.seq != self.checkpoint_seq + 1:
            raise violation(
                f"checkpoint {checkpoint.seq} follows checkpoint {self.checkpoint_seq}; must increase by one"
            )
        if not self.covered_batch_seq <= checkpoint.up_to_batch_seq <= self.batch_seq:
            raise violation(
                f"checkpoint {checkpoint.seq} covers batches up to {checkpoint.up_to_batch_seq}, but batches"
                f" {self.covered_batch_seq} to {self.batch_seq} were to be covered"
            )
        return replace(
            self,
            checkpoint=checkpoint,
            checkpoint_seq=checkpoint.seq,
            covered_batch_seq=checkpoint.up_to_batch_seq,
            source_rows=self.source_rows + checkpoint.rows,
        )

    @property
    def covered(self) -> bool:
        """Whether the last checkpoint covers every batch: a destination can only commit all that it was sent."""
        return self.covered_batch_seq == self.batch_seq

    @property
    def worth_a_commit(self) -> bool:
        """Whether a commit now would store anything: rows, or a state other than the stored one."""
        if self.checkpoint is None or not self.covered:
            return False
        return self.rows > 0 or (self.checkpoint.state, self.checkpoint.state_version) != self.stored

    def committing(self) -> tuple[Ledger, Commit]:
        """Ask for a commit of everything so far; `worth_a_commit` must hold."""
        if self.checkpoint is None or not self.covered:
            raise Bug("a commit needs a checkpoint that covers every batch", owner=Owner.PLATFORM)
        commit = Commit(
            self.commit_seq + 1,
            self.batch_seq,
            self.checkpoint,
            self.source_rows,
            self.rows,
            self.bytes,
            self.ipc_schema,
        )
        after = replace(
            self,
            commit_seq=commit.seq,
            stored=(self.checkpoint.state, self.checkpoint.state_version),
            source_rows=0,
            rows=0,
            bytes=0,
            pending=(*self.pending, commit),
        )
        return after, commit

    def refused(self, rows: int) -> Ledger:
        """Book rows that the destination could not store; they belong to the oldest commit that is still open."""
        return replace(self, rejected=self.rejected + rows)

    def committed(self, commit_seq: int, rows: Mapping[int, int]) -> tuple[Ledger, Commit, int]:
        """Book the destination's answer; return the commit and the rows that it made durable.

        Raises Bug with the reason ROW_COUNT_MISMATCH when source, broker and destination do not agree.
        """
        if not self.pending:
            raise violation(f"commit {commit_seq} was answered, but none was open")
        commit, *others = self.pending
        if commit_seq != commit.seq:
            raise violation(f"commit {commit_seq} was answered, but commit {commit.seq} was open")
        if any(index != 0 for index, count in rows.items() if count):
            raise violation(f"commit {commit_seq} counts rows of streams that were never opened")
        durable = rows.get(0, 0)
        if not commit.source_rows == commit.rows == durable + self.rejected:
            refused = f" and refused {self.rejected}" if self.rejected else ""
            raise Bug(
                f"row counts differ at commit {commit_seq}: the source counted {commit.source_rows}, the broker passed"
                f" on {commit.rows}, the destination stored {durable}{refused}; nothing of this commit is published",
                reason=MISMATCH,
            )
        return replace(self, pending=tuple(others), rejected=0), commit, durable


def violation(message: str) -> Bug:
    """Return the failure of a connector that broke the protocol."""
    advice = "the connector has a mistake: update it, or report this to its author"
    return Bug(f"protocol violation: {message}; {advice}", reason=VIOLATION, owner=Owner.CONNECTOR)
