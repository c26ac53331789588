"""What a destination must hold: the reference model of appending, replacing and deduplicating. Values in, values out.

The checks of writes compare what is visible with what these functions say. They are meant to be read as the definition
of the write modes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

__all__ = ["Change", "Held", "Op", "Row", "appended", "completed", "difference", "merged", "visible"]

Row: TypeAlias = "tuple[object, ...]"
"""Values in the order of the columns."""


class Op(IntEnum):
    """What a row of a change stream does; the numbers are those of the column `_towpath_op`."""

    UPSERT = 1
    PARTIAL = 2
    DELETE = 3
    TRUNCATE = 4


@dataclass(frozen=True)
class Held:
    """A row that a stream holds, and the generation that it belongs to."""

    generation: int
    row: Row


@dataclass(frozen=True)
class Change:
    """A row as it arrives in WRITE_MODE_DEDUP; `columns` are the positions that a partial update brings."""

    row: Row
    op: Op = Op.UPSERT
    columns: frozenset[int] = frozenset()


def appended(held: Sequence[Held], generation: int, rows: Sequence[Row]) -> list[Held]:
    """Publish rows in WRITE_MODE_APPEND or WRITE_MODE_OVERWRITE: what is there stays, equal rows count each."""
    return [*held, *(Held(generation, row) for row in rows)]


def merged(held: Sequence[Held], generation: int, changes: Sequence[Change], key: Sequence[int]) -> list[Held]:
    """Publish changes in WRITE_MODE_DEDUP, in the order in which they came; `key` are positions of the key's columns.

    Of several rows with one key the last one counts. A delete of what is not there does nothing. A partial update
    leaves the columns that it does not bring as they are, NULL where there was no such row.
    """
    by_key = {_key(item.row, key): item for item in held}
    for change in changes:
        if change.op is Op.TRUNCATE:
            by_key.clear()
        elif change.op is Op.DELETE:
            by_key.pop(_key(change.row, key), None)
        elif change.op is Op.PARTIAL:
            known = by_key.get(_key(change.row, key))
            before = known.row if known else (None,) * len(change.row)
            new = (change.row[at] if at in change.columns else value for at, value in enumerate(before))
            by_key[_key(change.row, key)] = Held(generation, tuple(new))
        else:
            by_key[_key(change.row, key)] = Held(generation, change.row)
    return list(by_key.values())


def completed(held: Sequence[Held], minimum_generation: int) -> list[Held]:
    """Complete a stream: generations below the minimum go away."""
    return [item for item in held if item.generation >= minimum_generation]


def visible(held: Sequence[Held]) -> list[Row]:
    """Say what readers see."""
    return [item.row for item in held]


def difference(expected: Sequence[Row], seen: Sequence[Row]) -> str:
    """Say how two bags of rows differ, in a few words; empty when they are equal."""
    wanted, found = Counter(expected), Counter(seen)
    missing, extra = wanted - found, found - wanted
    if not missing and not extra:
        return ""
    parts = [f"{len(seen)} rows are visible, {len(expected)} should be"]
    if missing:
        parts.append(f"missing: {_listed(missing)}")
    if extra:
        parts.append(f"too many: {_listed(extra)}")
    return "; ".join(parts)


def _key(row: Row, key: Sequence[int]) -> Row:
    return tuple(row[position] for position in key)


def _listed(rows: Mapping[Row, int], most: int = 3) -> str:
    shown = [f"{row!r}" + (f" {count} times" if count > 1 else "") for row, count in list(rows.items())[:most]]
    left = sum(rows.values()) - sum(list(rows.values())[:most])
    return ", ".join(shown) + (f" and {left} more" if left else "")
