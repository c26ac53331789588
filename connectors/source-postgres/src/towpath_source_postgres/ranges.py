"""Ranges of a key: SQL for "beyond this key, up to that one", and for where the next range ends. Values in, SQL out.

Keys are texts. As untyped literals they take the types of the columns, so that the server compares by the columns'
own order, the one that the index has.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from towpath_source_postgres.relations import Relation

__all__ = ["TRUE", "both", "boundaries", "key_texts", "within"]

_SAMPLED_BLOCKS = 32  # for each piece: with so many, few pieces are half or double as large as they should be

TRUE = sql.SQL("{}").format(sql.SQL("true"))


def within(columns: Sequence[str], after: Sequence[str] | None, upto: Sequence[str] | None) -> sql.Composed:
    """Return the condition for keys above `after` and up to `upto`; None on either side is no bound."""
    key = _row([sql.Identifier(column) for column in columns])
    condition = TRUE
    if after is not None:
        condition = sql.SQL("{} > {}").format(key, _row([sql.Literal(text) for text in after]))
    if upto is not None:
        bound = sql.SQL("{} <= {}").format(key, _row([sql.Literal(text) for text in upto]))
        condition = bound if after is None else both(condition, bound)
    return condition


def boundaries(
    relation: Relation, columns: Sequence[str], condition: sql.Composed, chunk_bytes: int, blocks: int
) -> sql.Composed:
    """Return the query for the keys, as texts, at which pieces of about `chunk_bytes` end, among those of `condition`.

    They are taken, in order, from a sample of the table's `blocks`, because counting rows would read the whole index.
    The pieces are of uneven size therefore, but together they are everything: the last one, which has no end, takes
    the rest. Rows that do not meet the condition are sampled too, so that a rest is divided like the whole, not into as
    many pieces.
    """
    pieces = max(1, relation.bytes // chunk_bytes + 1)
    percent = min(100.0, 100.0 * pieces * _SAMPLED_BLOCKS / max(blocks, 1))
    aliases = [sql.Identifier(f"k{index}") for index in range(len(columns))]
    keys = [sql.Identifier("t", column) for column in columns]
    return sql.SQL(
        "SELECT {texts} FROM (SELECT {named}, {condition} AS towpath_wanted,"
        " row_number() OVER (ORDER BY {keys}) AS towpath_n, count(*) OVER () AS towpath_total"
        " FROM {table} AS t TABLESAMPLE SYSTEM ({percent})) AS sample"
        " WHERE towpath_wanted AND towpath_n % greatest(towpath_total / {pieces}, 1) = 0"
        " GROUP BY {aliases} ORDER BY {aliases}"
    ).format(
        texts=_list(
            [sql.SQL("{}::text AS {}").format(alias, sql.Identifier(f"t{i}")) for i, alias in enumerate(aliases)]
        ),
        named=_list([sql.SQL("{} AS {}").format(key, alias) for key, alias in zip(keys, aliases, strict=True)]),
        keys=_list(keys),
        table=relation.identifier,
        percent=sql.Literal(round(percent, 6)),
        condition=condition,
        pieces=sql.Literal(pieces),
        aliases=_list(aliases),
    )


def both(one: sql.Composed, other: sql.Composed) -> sql.Composed:
    """Return the conjunction of two conditions."""
    return sql.SQL("({}) AND ({})").format(one, other)


def key_texts(columns: Sequence[str]) -> sql.Composed:
    """Return a key's columns as texts, for a SELECT list."""
    return sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns)


def _row(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL("({})").format(_list(parts))


def _list(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
