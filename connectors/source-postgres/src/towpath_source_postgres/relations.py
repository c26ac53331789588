"""What the source offers: one table, view, materialized view, partitioned or foreign table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from psycopg import sql
from towpath_sdk import ReadMode, Stream, StreamName
from towpath_sdk.errors import Denied, Misconfigured, TowpathError

from towpath_source_postgres.columns import Column
from towpath_source_postgres.identifiers import quoted

__all__ = ["CURSOR_TYPES", "KEY_TYPES", "Access", "Relation"]

CURSOR_TYPES = frozenset(
    {"int2", "int4", "int8", "numeric", "text", "varchar", "date", "timestamp", "timestamptz", "uuid", "oid"}
)
"""Types with a total order that text literals keep."""
KEY_TYPES = CURSOR_TYPES | {"bpchar", "bool", "bytea", "time", "float4", "float8", "inet", "macaddr"}
"""Types that a primary key can be divided by. Those of extensions are not among them: with an empty search path their
operators are not found, and `citext > 'a'` would compare as text, in another order than the index."""


@dataclass(frozen=True)
class Access:
    """What the role may do with a relation: use its schema, read all of its columns, and read rows unfiltered."""

    schema: bool
    all_columns: bool
    unfiltered: bool


@dataclass(frozen=True)
class Relation:
    """A table, view or the like, with those of its columns that the role may read.

    `rows` is the planner's estimate, partitions and children included (-1: not known). `bytes` is the size on disk,
    with TOAST and the same others; 0 unless the relation was looked up by name. `correlation` tells how closely the
    order of the rows on disk follows the first key column (0 to 1, None when unknown). `has_children` means
    inheritance, not partitions.
    """

    oid: int
    name: StreamName
    kind: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    rows: float
    bytes: int
    access: Access
    correlation: float | None
    has_children: bool

    @property
    def identifier(self) -> sql.Identifier:
        """Its name in SQL."""
        return sql.Identifier(self.name.namespace, self.name.name)

    @property
    def estimated_rows(self) -> int | None:
        """Rows, as the planner thinks; None when it does not know."""
        return None if self.rows < 0 or self.kind == "view" else int(self.rows)

    @property
    def cursors(self) -> list[str]:
        """Columns by which it can be read incrementally."""
        return [column.name for column in self.columns if _is_one_of(column, CURSOR_TYPES)]

    @property
    def key_can_be_divided(self) -> bool:
        """Whether ranges of the primary key mean the same in every session."""
        key = [self.column(name) for name in self.primary_key]
        return bool(key) and all(_is_one_of(c, KEY_TYPES) or _is_enum(c) for c in key)

    def column(self, name: str) -> Column:
        """Return a column by name. Raises Misconfigured with the names there are."""
        for column in self.columns:
            if column.name == name:
                return column
        choices = ", ".join(column.name for column in self.columns)
        raise Misconfigured(
            f"{self.name} has no readable column {name!r}; choose one of: {choices}", reason="UNKNOWN_COLUMN"
        )

    def chosen(self, names: Sequence[str]) -> tuple[Column, ...]:
        """Return the columns of these names, or all without names. Raises Misconfigured for a wrong one."""
        return tuple(self.column(name) for name in names) or self.columns

    def obstacle(self, user: str) -> TowpathError | None:
        """Return why the role `user` cannot read the relation, with the statement that helps; None when it can."""
        table, role, schema = quoted(self.name.namespace, self.name.name), quoted(user), quoted(self.name.namespace)
        if not self.access.schema:
            return Denied(
                f"role {user} lacks USAGE on schema {self.name.namespace}; GRANT USAGE ON SCHEMA {schema} TO {role}",
                reason="MISSING_PRIVILEGE",
            )
        if not self.columns:
            if self.access.all_columns:
                return Misconfigured(f"{self.name} has no columns", reason="NO_COLUMNS")
            return Denied(
                f"role {user} lacks SELECT on {self.name}; GRANT SELECT ON {table} TO {role}",
                reason="MISSING_PRIVILEGE",
            )
        if not self.access.unfiltered:
            return Denied(
                f"row-level security hides rows of {self.name} from role {user}, and a read must not lose them in "
                f"silence; ALTER ROLE {role} BYPASSRLS, or read a view that selects the rows on purpose",
                reason="ROW_LEVEL_SECURITY",
            )
        return None

    def stream(self) -> Stream:
        """Describe the relation as a stream; its schema is exactly what a read delivers."""
        cursors = self.cursors
        return Stream(
            name=self.name.name,
            namespace=self.name.namespace,
            schema=pa.schema([column.field for column in self.columns]),
            primary_key=self.primary_key,
            read_modes=(ReadMode.SNAPSHOT, ReadMode.INCREMENTAL) if cursors else (ReadMode.SNAPSHOT,),
            cursor_columns=cursors,
            estimated_rows=self.estimated_rows,
            kind=self.kind,
        )


def _is_one_of(column: Column, names: frozenset[str]) -> bool:
    return not column.type.is_array and column.type.category == "b" and column.type.name in names


def _is_enum(column: Column) -> bool:
    return not column.type.is_array and column.type.category == "e"
