"""What a trial shows: tables and lines for people, or one JSON object a line for programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from towpath.connector.v1 import types_pb2

__all__ = ["JsonLines", "Shown", "Tables"]

_WIDEST = 40
"""Characters of a value in a table."""


class Shown(Protocol):
    """Where a trial's events go, in the order in which they happen."""

    def rows(self, records: pa.RecordBatch) -> None:
        """Some rows."""
        ...

    def event(self, kind: str, text: str, facts: Mapping[str, object]) -> None:
        """Anything else: `text` is for people, `facts` for programs."""
        ...

    def log(self, entry: types_pb2.LogEntry) -> None:
        """A line that the connector logged."""
        ...

    def end(self) -> None:
        """Nothing follows."""
        ...


@dataclass
class Tables:
    """Rows as tables, at most `limit` of them; everything else as lines."""

    console: Console
    limit: int
    _waiting: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    _names: Sequence[str] = ()
    _shown: int = 0
    _left_out: int = 0

    def rows(self, records: pa.RecordBatch) -> None:
        """Keep the first rows for the next table, and count the others."""
        names = records.schema.names
        if names != self._names:
            self._print_table()
            self._names = names
        room = max(0, self.limit - self._shown)
        self._waiting += records.slice(0, room).to_pylist()
        self._shown += min(room, records.num_rows)
        self._left_out += max(0, records.num_rows - room)

    def event(self, kind: str, text: str, facts: Mapping[str, object]) -> None:
        """Print the text, after the rows that came before it."""
        del kind, facts
        self._print_table()
        self.console.print(Text(text), soft_wrap=True)

    def log(self, entry: types_pb2.LogEntry) -> None:
        """Print a line with its level and attributes."""
        level = types_pb2.LogEntry.Level.Name(entry.level or types_pb2.LogEntry.LEVEL_INFO).removeprefix("LEVEL_")
        attributes = "".join(f" {key}={value}" for key, value in sorted(entry.attributes.items()))
        self._print_table()
        self.console.print(Text(f"log {level.lower()}: {entry.message}{attributes}", style="dim"), soft_wrap=True)

    def end(self) -> None:
        """Print what is left."""
        self._print_table()

    def _print_table(self) -> None:
        if self._waiting:
            table = Table(*map(escape, self._names))
            for row in self._waiting:
                table.add_row(*(Text(_cell(row[name])) for name in self._names))
            self.console.print(table)
            self._waiting = []
        if self._left_out:
            self.console.print(Text(f"… {self._left_out:,} more rows; --limit shows more"), soft_wrap=True)
            self._left_out = 0


@dataclass
class JsonLines:
    """One JSON object a line: {"row": …}, {"checkpoint": …}, {"log": …}, {"status": …} and so on."""

    console: Console
    limit: int | None
    _shown: int = 0

    def rows(self, records: pa.RecordBatch) -> None:
        """Write each row, up to the limit."""
        room = records.num_rows if self.limit is None else max(0, self.limit - self._shown)
        for row in records.slice(0, room).to_pylist():
            self._write("row", row)
        self._shown += min(room, records.num_rows)

    def event(self, kind: str, text: str, facts: Mapping[str, object]) -> None:
        """Write the facts."""
        del text
        self._write(kind, facts)

    def log(self, entry: types_pb2.LogEntry) -> None:
        """Write the line."""
        level = types_pb2.LogEntry.Level.Name(entry.level or types_pb2.LogEntry.LEVEL_INFO).removeprefix("LEVEL_")
        self._write("log", {"level": level, "message": entry.message, "attributes": dict(entry.attributes)})

    def end(self) -> None:
        """Nothing is held back."""

    def _write(self, kind: str, facts: Mapping[str, object]) -> None:
        line = json.dumps({kind: facts}, default=_plain, ensure_ascii=False)
        self.console.out(line, highlight=False)


def _plain(value: Any) -> object:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return str(value)


def _cell(value: object) -> str:
    text = "" if value is None else value.hex() if isinstance(value, bytes) else str(value)
    text = text.replace("\n", "⏎")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
