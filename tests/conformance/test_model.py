"""The reference model against a witness that shares no line with it: SQLite's own upserts."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towpath_conformance.model import Change, Held, Op, Row, appended, completed, difference, merged, visible

LABEL, SIZE = 1, 2
CHANGES = st.lists(
    st.builds(
        Change,
        row=st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", None]), st.integers(0, 9)),
        op=st.sampled_from(Op),
        columns=st.sampled_from([frozenset({0, LABEL}), frozenset({0, SIZE}), frozenset({0, LABEL, SIZE})]),
    ),
    max_size=40,
)


def in_sqlite(changes: list[Change]) -> list[Row]:
    """What a database makes of the changes."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, label TEXT, size INTEGER)")
        for change in changes:
            key, label, size = change.row
            if change.op is Op.TRUNCATE:
                database.execute("DELETE FROM t")
            elif change.op is Op.DELETE:
                database.execute("DELETE FROM t WHERE id = ?", [key])
            elif change.op is Op.UPSERT:
                database.execute("INSERT OR REPLACE INTO t VALUES (?, ?, ?)", [key, label, size])
            else:
                database.execute("INSERT OR IGNORE INTO t (id) VALUES (?)", [key])
                for position, column, value in ((LABEL, "label", label), (SIZE, "size", size)):
                    if position in change.columns:
                        database.execute(f"UPDATE t SET {column} = ? WHERE id = ?", [value, key])
        return database.execute("SELECT id, label, size FROM t").fetchall()


@given(CHANGES, st.integers(0, 40))
def test_merging_equals_what_a_database_makes_of_it(changes: list[Change], cut: int) -> None:
    """The model judges other people's destinations: it must be right, also when changes come in two writes."""
    held = merged(merged([], 1, changes[:cut], [0]), 1, changes[cut:], [0])
    assert Counter(visible(held)) == Counter(in_sqlite(changes))


def test_keys_with_null_are_equal_to_one_another_alone() -> None:
    """SQL says otherwise of NULL, and would keep every such row for ever."""
    changes = [Change((None, 1)), Change((None, 2)), Change((0, 3))]
    assert visible(merged([], 1, changes, [0])) == [(None, 2), (0, 3)]


def test_completion_removes_older_generations_and_no_others() -> None:
    """A refresh replaces what came before it, and not what came with it."""
    held = appended(appended(appended([], 1, [("old",)]), 2, [("new",)]), 3, [("newer",)])
    assert completed(held, 2) == [Held(2, ("new",)), Held(3, ("newer",))]
    assert completed(held, 0) == held


@pytest.mark.parametrize(
    ("expected", "seen", "said"),
    [
        ([(1,), (1,)], [(1,), (1,)], ""),
        ([(1,), (1,)], [(1,)], "1 rows are visible, 2 should be; missing: (1,)"),
        ([], [(2,), (2,)], "2 rows are visible, 0 should be; too many: (2,) 2 times"),
        ([(None,)], [("",)], "1 rows are visible, 1 should be; missing: (None,); too many: ('',)"),
    ],
)
def test_differences_are_said_row_by_row(expected: list[Row], seen: list[Row], said: str) -> None:
    """An author looks for the row first, and for the reason then."""
    assert difference(expected, seen) == said
