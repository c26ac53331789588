"""What a table is: named columns, each made for any rows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pyarrow as pa
from towpath_sdk import ReadMode, Stream

from towpath_source_faker.dice import Dice, Integers
from towpath_source_faker.timeline import Timeline

__all__ = ["Column", "Rows", "Table"]


@dataclass(frozen=True)
class Rows:
    """Rows to be made: their numbers from 0, and the day of the version of each."""

    dice: Dice
    timeline: Timeline
    numbers: Integers
    versions: Integers

    def __len__(self) -> int:
        """How many."""
        return len(self.numbers)

    def piece(self, low: int, high: int) -> Rows:
        """Some of them, by position."""
        return replace(self, numbers=self.numbers[low:high], versions=self.versions[low:high])


Make: TypeAlias = "Callable[[Rows], pa.Array[Any]]"
"""Makes the values of one column."""


@dataclass(frozen=True)
class Column:
    """A column and how it is made; NULLs occur only where it is `nullable`."""

    name: str
    type: pa.DataType
    make: Make
    nullable: bool = True
    view: bool = False
    """Its values are there already, and making them copies nothing."""

    @property
    def field(self) -> pa.Field[Any]:
        """As Arrow knows it."""
        return pa.field(self.name, self.type, self.nullable)


@dataclass(frozen=True)
class Table:
    """A stream that can be made up. `added` is the column that it gains where its schema changes."""

    name: str
    columns: Sequence[Column]
    rows: int
    """Rows on day 0."""
    namespace: str = ""
    primary_key: Sequence[str] = ("id",)
    changes: bool = False
    """Rows are inserted and updated from day to day, and `updated_at` is a cursor."""
    added: Column | None = None

    @property
    def full_name(self) -> str:
        """As users write it."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    def stream(self, rows: int, *, changed: bool = False) -> Stream:
        """As `discover` shows it, with so many rows; `changed`, as it is after the change of schema."""
        return Stream(
            self.name,
            pa.schema([column.field for column in self._columns(changed=changed)]),
            namespace=self.namespace,
            primary_key=self.primary_key,
            read_modes=(ReadMode.SNAPSHOT, ReadMode.INCREMENTAL) if self.changes else (ReadMode.SNAPSHOT,),
            cursor_columns=("updated_at",) if self.changes else (),
            estimated_rows=rows,
            kind="made up",
        )

    def chosen(self, selected: Sequence[str], *, changed: bool) -> Sequence[Column]:
        """The columns of these names, in this order; all when there are none. `changed` as in `stream`."""
        columns = self._columns(changed=changed)
        if not selected:
            return columns
        by_name = {column.name: column for column in columns}
        return [by_name[name] for name in selected]

    def _columns(self, *, changed: bool) -> Sequence[Column]:
        return self.columns if self.added is None or not changed else [*self.columns, self.added]
