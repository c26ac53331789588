"""Tables without borders: columns of text, wide enough for what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["Cell", "details", "listing", "stacked"]

Cell = str | Text


def listing(
    headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, empty: str, right: Iterable[str] = ()
) -> RenderableType:
    """Return a table; the columns in `right` are aligned there. Without rows, the text `empty`."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        table.add_column(header, justify="right" if header in set(right) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return table if table.row_count else Text(empty, style="dim")


def details(fields: Iterable[tuple[str, Cell]]) -> RenderableType:
    """Return names and values, one per line; empty values are left out."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields:
        if str(value):
            table.add_row(name, value if isinstance(value, Text) else Text(value))
    return table


def stacked(*parts: RenderableType) -> RenderableType:
    """Return parts below one another, an empty line between them."""
    lines: list[RenderableType] = []
    for part in parts:
        lines.extend([Text(""), part] if lines else [part])
    return Group(*lines)
