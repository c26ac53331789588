"""Cursors: SQL for "not yet delivered" and its neighbours. Values in, SQL out.

Values are texts. As untyped literals they take the type of the column.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from towpath_source_postgres.columns import Column
from towpath_source_postgres.ranges import TRUE, both, key_texts
from towpath_source_postgres.relations import Relation
from towpath_source_postgres.state import CursorPosition

__all__ = ["Cursor"]

_WITH_INFINITY = frozenset({"date", "timestamp", "timestamptz", "numeric"})


class Cursor:
    """One column by which a relation is read incrementally."""

    def __init__(self, column: Column) -> None:
        self.name = column.name
        self._column = sql.Identifier(column.name)
        self._nullable = column.nullable
        self._endless = column.type.name in _WITH_INFINITY

    @property
    def unplaced(self) -> sql.Composed | None:
        """The condition for rows that no position can stand after (no value, or infinity); None without such."""
        conditions: list[sql.Composed] = []
        if self._nullable:
            conditions.append(sql.SQL("{} IS NULL").format(self._column))
        if self._endless:  # NaN is above infinity
            conditions.append(sql.SQL("{} >= 'infinity'").format(self._column))
        return sql.SQL(" OR ").join(conditions) if conditions else None

    def beyond(self, position: CursorPosition, key: Sequence[str]) -> sql.Composed:
        """Return the condition for rows with a value that were not delivered up to `position`, of this primary key."""
        placed = sql.SQL("{} < 'infinity'" if self._endless else "{} IS NOT NULL").format(self._column)
        return placed if position.value is None else both(placed, self._after(position.value, position.seen, key))

    def equals(self, value: str) -> sql.Composed:
        """Return the condition for rows at `value`."""
        return sql.SQL("{} = {}").format(self._column, sql.Literal(value))

    def highest(self, relation: Relation, condition: sql.Composed) -> sql.Composed:
        """Return the query for the highest value, as text, among the rows of `condition`; no row if there is none.

        Highest in the order of the column, which has to be qualified: a bare name would mean the text of the same name.
        """
        return sql.SQL("SELECT {}::text FROM {} AS t WHERE {} ORDER BY {} DESC LIMIT 1").format(
            self._column, relation.identifier, condition, sql.Identifier("t", self.name)
        )

    def _after(self, value: str, seen: Sequence[Sequence[str]] | None, key: Sequence[str]) -> sql.Composed:
        if seen is None:
            return sql.SQL("{} > {}").format(self._column, sql.Literal(value))
        from_value = sql.SQL("{} >= {}").format(self._column, sql.Literal(value))
        return both(from_value, self._unseen(value, seen, key) if seen else TRUE)

    def _unseen(self, value: str, seen: Sequence[Sequence[str]], key: Sequence[str]) -> sql.Composed:
        """Rows at `value` whose keys are not among `seen`; as a set from arrays, which the server hashes."""
        arrays = [sql.SQL("{}::text[]").format(sql.Literal(list(texts))) for texts in zip(*seen, strict=True)]
        return sql.SQL("NOT ({} AND ({}) IN (SELECT * FROM unnest({})))").format(
            self.equals(value), key_texts(key), sql.SQL(", ").join(arrays)
        )
