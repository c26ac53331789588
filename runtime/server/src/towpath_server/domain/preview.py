"""How a stream is read when somebody only wants to see its first rows."""

from __future__ import annotations

from collections.abc import Sequence

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.streams import CatalogStream, ReadMode, StreamSelection, WriteMode

__all__ = ["preview_rows", "preview_selection"]

_USUAL_ROWS = 20
_MOST_ROWS = 100


def preview_rows(wanted: int) -> int:
    """Return how many rows to show: 20 unless asked otherwise, at most 100. Raises Misconfigured below zero."""
    if wanted < 0:
        raise Misconfigured(
            "max_rows is negative", reason="INVALID_ROWS", fields={"max_rows": f"use 1 to {_MOST_ROWS}"}
        )
    return min(wanted or _USUAL_ROWS, _MOST_ROWS)


def preview_selection(offered: CatalogStream, columns: Sequence[str]) -> StreamSelection:
    """Return how to read `offered` without leaving anything behind at its source.

    A snapshot where there is one, else what is beyond no cursor at all. Raises Misconfigured where there are changes
    only: to read these, a source holds its log.
    """
    if ReadMode.SNAPSHOT in offered.read_modes:
        return StreamSelection(offered.name, ReadMode.SNAPSHOT, WriteMode.APPEND, tuple(columns))
    if ReadMode.INCREMENTAL in offered.read_modes:
        cursor = offered.cursor_columns[0] if offered.cursor_columns else ""
        return StreamSelection(offered.name, ReadMode.INCREMENTAL, WriteMode.APPEND, tuple(columns), cursor)
    problem = f"{offered.name} can be read as changes only, which a preview does not do; sync it to see its rows"
    raise Misconfigured(problem, reason="CHANGES_ONLY", fields={"stream": problem})
