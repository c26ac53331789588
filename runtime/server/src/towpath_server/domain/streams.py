"""Streams as a source describes them and as a connection selects them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["CatalogStream", "ReadMode", "StreamName", "StreamSelection", "WriteMode"]


class ReadMode(IntEnum):
    """How a stream is read; the numbers are those of towpath.connector.v1.ReadMode."""

    SNAPSHOT = 1
    INCREMENTAL = 2
    CHANGES = 3


class WriteMode(IntEnum):
    """What becomes of rows already delivered; the numbers are those of towpath.connector.v1.WriteMode."""

    APPEND = 1
    OVERWRITE = 2
    DEDUP = 3


@dataclass(frozen=True, order=True)
class StreamName:
    """Identity of a stream; case-sensitive, the namespace may be empty."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace.name` for people."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name


@dataclass(frozen=True)
class StreamSelection:
    """One stream of a connection; both modes are set, `columns` empty means all."""

    name: StreamName
    read_mode: ReadMode
    write_mode: WriteMode
    columns: tuple[str, ...] = ()
    cursor_column: str = ""
    primary_key: tuple[str, ...] = ()

    def reads_like(self, other: StreamSelection) -> bool:
        """Say whether a state of `other` can be continued by this selection."""
        return self.read_mode == other.read_mode and self.cursor_column == other.cursor_column


@dataclass(frozen=True)
class CatalogStream:
    """What Discover says of one stream, as far as selections are checked against it.

    `cursor_columns` empty together with INCREMENTAL in `read_modes` means that the source defines the cursor itself.
    `ipc_schema` is an encapsulated Arrow IPC Schema message.
    """

    name: StreamName
    columns: tuple[str, ...]
    primary_key: tuple[str, ...]
    read_modes: frozenset[ReadMode]
    cursor_columns: tuple[str, ...]
    ipc_schema: bytes = b""

    @property
    def has_own_cursor(self) -> bool:
        """The source names the cursor of incremental reads itself."""
        return ReadMode.INCREMENTAL in self.read_modes and not self.cursor_columns
