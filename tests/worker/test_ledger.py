"""The ledger: counts and order of one stream, as values."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towpath_sdk.errors import Bug
from towpath_worker.transfer.ledger import Checkpoint, Ledger

SCHEMA = b"schema"


def started(commit_seq: int = 0) -> Ledger:
    return Ledger(commit_seq=commit_seq).announced(1, SCHEMA)


def with_batches(ledger: Ledger, rows: Iterable[int]) -> Ledger:
    for count in rows:
        ledger = ledger.batched(ledger.batch_seq + 1, 1, count, count * 10)
    return ledger


def with_checkpoint(ledger: Ledger, rows: int, up_to: int | None = None, state: bytes = b"s") -> Ledger:
    covered = ledger.batch_seq if up_to is None else up_to
    return ledger.checkpointed(Checkpoint(ledger.checkpoint_seq + 1, state, 1, covered, rows))


def test_a_commit_counts_the_rows_since_the_commit_before() -> None:
    """Otherwise rows of one commit would be checked against those of another."""
    ledger = with_checkpoint(with_batches(started(commit_seq=4), [3, 4]), rows=7)
    ledger, first = ledger.committing()
    ledger = with_checkpoint(with_batches(ledger, [5]), rows=5, state=b"t")
    ledger, second = ledger.committing()
    assert (first.seq, first.rows, first.bytes, first.up_to_batch_seq) == (5, 7, 70, 2)
    assert (second.seq, second.rows, second.bytes, second.up_to_batch_seq) == (6, 5, 50, 3)
    ledger, settled, durable = ledger.committed(5, {0: 7})
    assert (settled, durable) == (first, 7)


@pytest.mark.parametrize(("source", "broker", "destination"), [(6, 7, 7), (7, 6, 7), (7, 7, 6)])
def test_a_row_that_one_side_counts_otherwise_fails_the_commit(source: int, broker: int, destination: int) -> None:
    """A lost or doubled row must stop the attempt, wherever it happened."""
    ledger, _ = with_checkpoint(with_batches(started(), [broker]), rows=source).committing()
    with pytest.raises(Bug) as failure:
        ledger.committed(1, {0: destination})
    assert failure.value.reason == "ROW_COUNT_MISMATCH"


def test_refused_rows_are_neither_lost_nor_delivered() -> None:
    """The destination may refuse a row, but it has to say so."""
    ledger, _ = with_checkpoint(with_batches(started(), [10]), rows=10).committing()
    ledger, _, durable = ledger.refused(2).committed(1, {0: 8})
    assert durable == 8
    assert ledger.rejected == 0


def test_nothing_can_be_committed_while_a_batch_is_not_covered() -> None:
    """The destination would keep rows that the source sends again after a resume."""
    ledger = with_checkpoint(with_batches(started(), [1, 1]), rows=1, up_to=1)
    assert not ledger.worth_a_commit
    with pytest.raises(Bug):
        ledger.committing()
    assert with_checkpoint(ledger, rows=1).worth_a_commit


def test_an_empty_read_commits_only_a_new_state() -> None:
    """A cursor that moved without rows must be stored; an unchanged one costs nothing."""
    ledger = Ledger(stored=(b"old", 1)).announced(1, SCHEMA)
    assert not with_checkpoint(ledger, rows=0, state=b"old").worth_a_commit
    assert with_checkpoint(ledger, rows=0, state=b"new").worth_a_commit


def test_answers_must_come_in_the_order_of_the_commits() -> None:
    """A receipt of another commit would be stored with the wrong state."""
    ledger, _ = with_checkpoint(with_batches(started(), [1]), rows=1).committing()
    with pytest.raises(Bug, match="commit 2 was answered, but commit 1 was open"):
        ledger.committed(2, {0: 1})
    ledger, _, _ = ledger.committed(1, {0: 1})
    with pytest.raises(Bug, match="none was open"):
        ledger.committed(1, {0: 1})


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 1000), max_size=5), st.booleans(), st.integers(0, 2)), min_size=1, max_size=20
    )
)
def test_every_row_is_in_exactly_one_commit(steps: list[tuple[list[int], bool, int]]) -> None:
    """Whatever the rhythm of batches, checkpoints, commits and answers, the sums agree and the numbers have no gap."""
    ledger = started()
    sent = committed = 0
    uncovered = 0
    seqs: list[int] = []
    for position, (batches, wants_commit, answers) in enumerate(steps):
        ledger = with_batches(ledger, batches)
        sent += sum(batches)
        uncovered += sum(batches)
        ledger = with_checkpoint(ledger, rows=uncovered, state=str(position).encode())
        uncovered = 0
        if wants_commit and ledger.worth_a_commit:
            ledger, commit = ledger.committing()
            seqs.append(commit.seq)
        for _ in range(min(answers, len(ledger.pending))):
            oldest = ledger.pending[0]
            ledger, _, durable = ledger.committed(oldest.seq, {0: oldest.rows})
            committed += durable
    if ledger.worth_a_commit:
        ledger, commit = ledger.committing()
        seqs.append(commit.seq)
    while ledger.pending:
        oldest = ledger.pending[0]
        ledger, _, durable = ledger.committed(oldest.seq, {0: oldest.rows})
        committed += durable
    assert committed == sent
    assert seqs == list(range(1, len(seqs) + 1))
    assert (ledger.rows, ledger.source_rows) == (0, 0)
