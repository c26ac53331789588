"""What the database has, from the system catalog.

No question here takes a lock on a table that is not about to be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from towpath_sdk import StreamName
from towpath_sdk.errors import NotFound

from towpath_source_postgres.columns import Column
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.relations import Access, Relation
from towpath_source_postgres.types import PgType

__all__ = ["find_relation", "list_relations"]

_KINDS = {"r": "table", "v": "view", "m": "materialized view", "p": "partitioned table", "f": "foreign table"}

# Measuring a table's size waits for its lock, so only the one that is about to be read is measured.
_RELATIONS = """
WITH RECURSIVE wanted AS (
    SELECT c.*, n.nspname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND NOT c.relispartition
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND (%(schemas)s::text[] = '{}' OR n.nspname = ANY (%(schemas)s::text[]))
       AND (%(schema)s::text IS NULL OR (n.nspname = %(schema)s AND c.relname = %(table)s))
), members AS (
    SELECT oid AS root, oid AS member FROM wanted
    UNION
    SELECT m.root, i.inhrelid FROM members m JOIN pg_inherits i ON i.inhparent = m.member
), sizes AS (
    SELECT m.root, CASE WHEN min(c.reltuples) < 0 THEN -1 ELSE sum(c.reltuples) END AS rows,
           sum(CASE WHEN %(schema)s::text IS NOT NULL THEN pg_table_size(c.oid) END) AS bytes
      FROM members m JOIN pg_class c ON c.oid = m.member
     WHERE c.relkind <> 'p'
     GROUP BY m.root
)
SELECT c.oid, c.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       coalesce(s.rows, 0) AS rows, coalesce(s.bytes, 0) AS bytes,
       c.relhassubclass AND c.relkind <> 'p' AS has_children,
       has_schema_privilege(c.relnamespace, 'USAGE') AS may_use_schema,
       has_table_privilege(c.oid, 'SELECT') AS may_select,
       NOT row_security_active(c.oid) AS unfiltered,
       k.columns AS primary_key,
       (SELECT abs(t.correlation) FROM pg_stats t
         WHERE t.schemaname = c.nspname AND t.tablename = c.relname AND t.attname = k.columns[1] AND NOT t.inherited
       ) AS correlation
  FROM wanted c
  LEFT JOIN sizes s ON s.root = c.oid
  LEFT JOIN LATERAL (
    SELECT array_agg(a.attname ORDER BY p.position) AS columns
      FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS p(attnum, position)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
     WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid AND p.position <= i.indnkeyatts
  ) k ON true
 ORDER BY c.nspname COLLATE "C", c.relname COLLATE "C"
"""

# int2vector and its like have elements, but begin at 0 and are no arrays of them. Domains are followed down to their
# base type; the innermost typmod that is set counts. A column counts as NOT NULL only where the server enforces it: not
# in foreign tables, not for children, not while the constraint is NOT VALID.
_COLUMNS = """
WITH RECURSIVE resolved AS (
    SELECT a.attrelid, a.attnum, a.attname,
           a.attnotnull AND c.relkind <> 'f' AND NOT (c.relkind = 'r' AND c.relhassubclass)
           AND NOT EXISTS (SELECT FROM pg_constraint n
                            WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated
                              AND n.conkey = ARRAY[a.attnum]) AS not_null,
           a.attndims::int AS dimensions, a.atttypid AS typid, a.atttypmod AS typmod, false AS is_domain
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE a.attrelid = ANY (%(oids)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
       AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
    UNION ALL
    SELECT r.attrelid, r.attnum, r.attname, r.not_null, greatest(r.dimensions, t.typndims), t.typbasetype,
           CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE r.typmod END, true
      FROM resolved r JOIN pg_type t ON t.oid = r.typid
     WHERE t.typtype = 'd'
)
SELECT r.attrelid AS relation, r.attname AS name, r.not_null, r.dimensions, r.typmod, r.is_domain,
       CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE n.nspname || '.' END || b.typname AS type,
       b.typtype::text AS category, e.oid IS NOT NULL AS is_array
  FROM resolved r
  JOIN pg_type t ON t.oid = r.typid AND t.typtype <> 'd'
  LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
  JOIN pg_type b ON b.oid = coalesce(e.oid, t.oid)
  JOIN pg_namespace n ON n.oid = b.typnamespace
 ORDER BY r.attrelid, r.attnum
"""


def list_relations(connection: psycopg.Connection, config: PostgresConfig) -> list[Relation]:
    """Return every relation of the configured schemas, by name; those that the role may not read are included."""
    return list(_relations(connection, config, None))


def find_relation(connection: psycopg.Connection, config: PostgresConfig, name: StreamName) -> Relation:
    """Return one relation, measured. Raises NotFound when there is none of that name."""
    for relation in _relations(connection, config, name):
        return relation
    raise NotFound(
        f"there is no table or view {name} in database {config.database}; discover the source to see what there is",
        reason="NO_SUCH_TABLE",
    )


def _relations(connection: psycopg.Connection, config: PostgresConfig, name: StreamName | None) -> Iterator[Relation]:
    parameters = {
        "schemas": list(config.schemas),
        "schema": name.namespace if name else None,
        "table": name.name if name else None,
    }
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        rows: list[Any] = cursor.execute(_RELATIONS, parameters).fetchall()
        attributes: list[Any] = cursor.execute(_COLUMNS, {"oids": [row.oid for row in rows]}).fetchall()
    by_relation: dict[int, list[Any]] = {}
    for attribute in attributes:
        by_relation.setdefault(attribute.relation, []).append(attribute)
    for row in rows:
        columns = tuple(_column(config, row, attribute) for attribute in by_relation.get(row.oid, []))
        yield _relation(row, columns)


def _relation(row: Any, columns: tuple[Column, ...]) -> Relation:
    # A key that cannot be read is of no use, and one of a parent says nothing about the rows of its children.
    readable_key = set(row.primary_key or ()) <= {column.name for column in columns} and not row.has_children
    return Relation(
        oid=row.oid,
        name=StreamName(row.schema, row.name),
        kind=_KINDS[row.kind],
        columns=columns,
        primary_key=tuple(row.primary_key or ()) if readable_key else (),
        rows=float(row.rows),
        bytes=int(row.bytes),
        access=Access(schema=row.may_use_schema, all_columns=row.may_select, unfiltered=row.unfiltered),
        correlation=row.correlation,
        has_children=row.has_children,
    )


def _column(config: PostgresConfig, relation: Any, row: Any) -> Column:
    type_ = PgType(row.type, row.category, row.typmod, row.is_array, row.dimensions, row.is_domain)
    policy = config.special_values_of(relation.schema, relation.name, row.name)
    return Column.of(row.name, type_, policy, config.unconstrained_numeric, nullable=not row.not_null)
