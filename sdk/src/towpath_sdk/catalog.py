"""What a source offers and what a sync asks of it, in values of Python rather than of the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import pyarrow as pa

__all__ = ["ReadMode", "ReadStream", "Split", "Stream", "StreamName", "WriteMode", "WriteStream"]


class ReadMode(Enum):
    """What one read emits; the numbers are those of towpath.connector.v1.ReadMode."""

    SNAPSHOT = 1
    INCREMENTAL = 2
    CHANGES = 3


class WriteMode(Enum):
    """What becomes of rows that are already there; the numbers are those of towpath.connector.v1.WriteMode."""

    APPEND = 1
    OVERWRITE = 2
    DEDUP = 3


@dataclass(frozen=True, order=True)
class StreamName:
    """Identity of a stream: namespace (may be empty) and name, both case-sensitive and unquoted."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace.name`, or `name` alone without a namespace; for people, not to be parsed."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name


@dataclass(frozen=True)
class Stream:
    """A stream that a source offers.

    `schema` is an Arrow schema, or a mapping of column names to Arrow types. `estimated_rows` serves progress only.
    """

    name: str
    schema: pa.Schema | Mapping[str, pa.DataType]
    namespace: str = ""
    primary_key: Sequence[str] = ()
    read_modes: Sequence[ReadMode] = (ReadMode.SNAPSHOT,)
    cursor_columns: Sequence[str] = ()
    estimated_rows: int | None = None
    kind: str = ""

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema as Arrow knows it."""
        return self.schema if isinstance(self.schema, pa.Schema) else pa.schema(list(self.schema.items()))


@dataclass(frozen=True)
class Split:
    """A unit of work that a source can read apart from the others; `token` is opaque to everyone but the source."""

    split_id: str
    token: bytes
    estimated_bytes: int = 0
    stream: int = 0


@dataclass(frozen=True)
class ReadStream:
    """One stream that a read asks for.

    `columns` is empty for all. `state` is what the last committed `Checkpoint` of this stream carried: a mapping if a
    mapping was given there, bytes if bytes were, None from the start.
    """

    name: StreamName
    mode: ReadMode
    columns: Sequence[str] = ()
    cursor_column: str = ""
    state: Mapping[str, object] | bytes | None = None
    state_version: int = 0
    split: Split | None = None


@dataclass(frozen=True)
class WriteStream:
    """One stream that a write delivers; `generation_id` starts at 1.

    When the stream completes, the rows of generations below `minimum_generation_id` go away.
    """

    name: StreamName
    mode: WriteMode
    primary_key: Sequence[str] = field(default=())
    generation_id: int = 1
    minimum_generation_id: int = 0
