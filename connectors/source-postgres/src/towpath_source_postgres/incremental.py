"""Incremental reads: rows whose cursor is beyond the last position, up to the highest cursor at the start of the read.

A row is found by its cursor, so the cursor must grow with every insert and update. Three traps are handled:

* Rows may share a cursor value, and some of them may become visible later. The position therefore lists the keys of the
  rows already delivered at its value, and the next read asks for that value again without them. Without a primary key
  only greater values follow.
* Rows may have no cursor value. They are delivered by the first read, and the log says that later ones cannot be found.
* A cursor at infinity (or NaN) would leave nothing beyond it, so that such rows are treated as those without a value.

What no cursor can find are rows that become visible late with a *lower* value (a transaction that was open during the
read): use a column that grows in commit order, or refresh from time to time.

A large table that lies on disk in the order of the cursor, and has an index on it, is read in ranges with checkpoints
between them; any other in one piece.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from psycopg import sql
from towpath_sdk import Context, Record
from towpath_sdk.errors import Misconfigured, PositionLost

from towpath_source_postgres.ahead import read_ahead
from towpath_source_postgres.columns import Column, Delivery
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.copying import copy_rows
from towpath_source_postgres.cursors import Cursor
from towpath_source_postgres.keepers import Keeper
from towpath_source_postgres.ranges import both, key_texts, within
from towpath_source_postgres.relations import Relation
from towpath_source_postgres.sessions import open_data_session
from towpath_source_postgres.state import CursorPosition, Position, checkpoint

__all__ = ["read_incremental"]

_MOST_SEEN = 10_000
_MOST_SEEN_BYTES = 1 << 20
"""Keys remembered at one cursor value, which become part of the state; beyond, only greater values follow."""
_ORDERLY = 0.9

_IN_ORDER = """
SELECT coalesce((SELECT abs(s.correlation) >= {orderly} FROM pg_stats s JOIN pg_class c ON c.oid = {oid}::oid
                   JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = s.schemaname
                  WHERE s.tablename = c.relname AND s.attname = {column} AND NOT s.inherited), true)
  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
 WHERE i.indrelid = {oid}::oid AND a.attname = {column} AND i.indpred IS NULL AND i.indisvalid
"""


def read_incremental(
    config: PostgresConfig,
    relation: Relation,
    delivery: Delivery,
    cursor: str,
    position: Position | None,
    context: Context,
) -> Generator[Record]:
    """Yield the rows beyond `position` and the checkpoints that cover them.

    Raises Misconfigured when `cursor` is no usable column, PositionLost when `position` belongs to another cursor.
    """
    column = _cursor_column(relation, cursor)
    if position is not None and not (isinstance(position, CursorPosition) and position.column == cursor):
        raise PositionLost(
            f"the stored state of {relation.name} belongs to another cursor or read mode; refresh the stream",
            reason="OTHER_CURSOR",
        )
    with contextlib.closing(Keeper.open(config, relation, context)) as keeper:
        reader = _Reader(config, relation, delivery, Cursor(column), keeper, context)
        yield from read_ahead(reader.read(position))


def _cursor_column(relation: Relation, name: str) -> Column:
    choices = ", ".join(relation.cursors) or "none"
    if not name:
        raise Misconfigured(
            f"an incremental read of {relation.name} needs a cursor column; choose one of: {choices}",
            reason="CURSOR_MISSING",
            fields={"cursor_column": "missing"},
        )
    column = relation.column(name)
    if name not in relation.cursors:
        raise Misconfigured(
            f"column {name!r} of {relation.name} cannot be a cursor; choose one of: {choices}",
            reason="UNUSABLE_CURSOR",
            fields={"cursor_column": "its values have no order that a cursor could follow"},
        )
    return column


class _Reader:
    """One incremental read under one snapshot."""

    def __init__(
        self,
        config: PostgresConfig,
        relation: Relation,
        delivery: Delivery,
        cursor: Cursor,
        keeper: Keeper,
        context: Context,
    ) -> None:
        self._config = config
        self._relation = relation
        self._delivery = delivery
        self._cursor = cursor
        self._keeper = keeper
        self._context = context

    def read(self, position: CursorPosition | None) -> Generator[Record]:
        """Yield what lies beyond `position`."""
        with open_data_session(self._config, self._keeper.snapshot, self._keeper.server_version) as session:
            yield from self._read(session, position)

    def _read(self, session: adbc.Connection, position: CursorPosition | None) -> Iterator[Record]:
        yield from self._without_value(session, first=position is None)
        position = position or CursorPosition(self._cursor.name, None, None)
        rest = self._cursor.beyond(position, self._relation.primary_key)
        highest = self._keeper.ask(self._cursor.highest(self._relation, rest), self._context)
        if not highest:
            yield checkpoint(position)
            return
        upper = str(highest[0][0])
        if self._in_order():
            yield from self._in_ranges(session, rest, upper)
        else:
            yield from self._rows(session, both(rest, within([self._cursor.name], None, [upper])))
            yield checkpoint(self._position_at(upper))

    def _in_ranges(self, session: adbc.Connection, rest: sql.Composed, upper: str) -> Iterator[Record]:
        """Yield range after range of the cursor, each with its checkpoint; a value is never divided."""
        columns = [self._cursor.name]
        rest = both(rest, within(columns, None, [upper]))
        ends = self._keeper.divide(columns, rest, self._config.chunk_bytes, self._context)
        for (upto,) in [*(end for end in ends if end != (upper,)), (upper,)]:
            if self._context.draining:
                return
            yield from self._rows(session, both(rest, within(columns, None, [upto])))
            yield checkpoint(self._position_at(upto))
            rest = within(columns, [upto], [upper])

    def _without_value(self, session: adbc.Connection, *, first: bool) -> Iterator[pa.RecordBatch]:
        """Yield the rows that no cursor value finds, in the first read; in later ones only say that there are some."""
        condition = self._cursor.unplaced
        if condition is None:
            return
        if first:
            rows = 0
            for batch in self._rows(session, condition):
                rows += batch.num_rows
                yield batch
            if rows:
                self._warn("rows without a finite cursor value are delivered once; later ones cannot be found", rows)
            return
        query = sql.SQL("SELECT FROM {} WHERE {} LIMIT 1").format(self._relation.identifier, condition)
        if self._keeper.ask(query, self._context):
            self._warn("rows without a finite cursor value are only delivered by a first read; refresh the stream")

    def _rows(self, session: adbc.Connection, condition: sql.Composed) -> Iterator[pa.RecordBatch]:
        return copy_rows(session, self._relation, condition, self._delivery, self._context)

    def _position_at(self, value: str) -> CursorPosition:
        """Return the position after every visible row with a cursor up to `value`."""
        key = self._relation.primary_key
        if not key:
            return CursorPosition(self._cursor.name, value, None)
        query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
            key_texts(key), self._relation.identifier, self._cursor.equals(value), sql.Literal(_MOST_SEEN + 1)
        )
        seen = self._keeper.ask(query, self._context)
        keys = tuple(sorted(tuple(str(text) for text in row) for row in seen))
        if len(keys) > _MOST_SEEN or sum(len(text) for row in keys for text in row) > _MOST_SEEN_BYTES:
            self._warn("too many rows share one cursor value; rows that get this value later cannot be found")
            return CursorPosition(self._cursor.name, value, None)
        return CursorPosition(self._cursor.name, value, keys)

    def _in_order(self) -> bool:
        if self._relation.bytes <= self._config.chunk_bytes:
            return False
        query = sql.SQL(_IN_ORDER).format(
            orderly=sql.Literal(_ORDERLY),
            oid=sql.Literal(self._relation.oid),
            column=sql.Literal(self._cursor.name),
        )
        return (True,) in self._keeper.ask(query, self._context)

    def _warn(self, event: str, rows: int | None = None) -> None:
        count = {} if rows is None else {"rows": rows}
        self._context.log("warning", event, stream=str(self._relation.name), column=self._cursor.name, **count)
