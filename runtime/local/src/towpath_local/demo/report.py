"""The table at the end, rows and checksums on both sides, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text
from towpath_cli.render.listing import Cell, listing
from towpath_cli.units import count_text

from towpath_local.demo.checksums import Fingerprint, LakeFingerprint
from towpath_local.demo.shop import Table

__all__ = ["Comparison", "comparison_table", "movement_text"]


@dataclass(frozen=True)
class Comparison:
    """One stream on both sides.

    `changed` counts the rows that changed in the source since the last run, None when all were new; `moved` those that
    this run delivered.
    """

    table: Table
    source: Fingerprint
    lake: LakeFingerprint
    changed: int | None
    moved: int

    @property
    def agrees(self) -> bool:
        """Whether the destination holds exactly what the source holds, and nothing twice."""
        return self.source == self.lake.latest and self.lake.doubled == 0


def comparison_table(comparisons: Sequence[Comparison]) -> RenderableType:
    """Show two lines per stream, the source's and the destination's; those that differ in red."""
    rows: list[tuple[Cell, ...]] = []
    for one in comparisons:
        verdict = Text("equal", style="green") if one.agrees else Text("DIFFERENT", style="bold red")
        changed = f"{count_text(one.source.rows)} new" if one.changed is None else f"{count_text(one.changed)} changed"
        lake = one.lake.latest
        rows += [
            (one.table.name, "PostgreSQL", count_text(one.source.rows), one.source.text, changed, ""),
            ("", "S3", count_text(lake.rows), lake.text, f"{count_text(one.moved)} moved", verdict),
        ]
        if one.lake.doubled:
            rows.append(("", "", count_text(one.lake.doubled), Text("of them twice", style="bold red"), "", ""))
    headers = ("STREAM", "WHERE", "ROWS", "CHECKSUM", "THIS RUN", "VERDICT")
    return listing(headers, rows, empty="no streams", right=("ROWS", "THIS RUN"))


def movement_text(comparisons: Sequence[Comparison]) -> str:
    """Say how much changed, how much of it was moved, and how."""
    total = sum(one.source.rows for one in comparisons)
    moved = sum(one.moved for one in comparisons)
    share = f"{count_text(moved)} of {count_text(total)} rows were moved ({100 * moved / max(total, 1):.1f} %)"
    if any(one.changed is None for one in comparisons):
        return f"{share}."
    changed = sum(one.changed or 0 for one in comparisons)
    incremental = [one for one in comparisons if one.table.cursor]
    by_cursor = sum(one.moved for one in incremental)
    late = by_cursor - sum(one.changed or 0 for one in incremental)
    which = f"those and {count_text(late)} that an earlier run did not get to" if late else "exactly those that changed"
    return (
        f"{count_text(changed)} rows changed since the last run; {share}:\n"
        f"{count_text(by_cursor)} of the tables that are read incrementally, {which};\n"
        f"{count_text(moved - by_cursor)} of the small tables "
        f"({', '.join(one.table.name for one in comparisons if not one.table.cursor)}), which each run replaces whole."
    )
