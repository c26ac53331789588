"""Rows of a preview as a table."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text
from towpath.control.v1.previews_pb2 import PreviewValue, StreamPreview

from towpath_cli.render.listing import Cell, listing, stacked

__all__ = ["preview"]

_WIDEST = 60
"""Characters of a value in the table; JSON has more of it."""


def preview(found: StreamPreview) -> RenderableType:
    """Show rows under their columns, and say whether these are all; the types are in the JSON."""
    table = listing(
        [column.name for column in found.columns],
        [[_cell(value) for value in row.values] for row in found.rows],
        empty="the stream has no rows; its columns are: " + ", ".join(column.name for column in found.columns),
    )
    if not found.rows:
        return table
    count = len(found.rows)
    said = f"all {count} rows" if found.complete else f"the first {count} rows"
    return stacked(table, Text(said if count > 1 else said.replace("rows", "row"), style="dim"))


def _cell(value: PreviewValue) -> Cell:
    """NULL is dim; what would move the cursor is written out, because a source may hold anything."""
    if not value.HasField("text"):
        return Text("NULL", style="dim")
    shown = "".join(char if char.isprintable() else _escape(char) for char in value.text[: _WIDEST + 1])
    return f"{shown[:_WIDEST]}…" if len(shown) > _WIDEST or value.cut_bytes else shown


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
