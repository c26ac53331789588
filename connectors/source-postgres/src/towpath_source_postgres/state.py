"""From where a read continues. Values in, JSON-able mappings out; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeAlias, cast

from towpath_sdk import Checkpoint
from towpath_sdk.errors import PositionLost

__all__ = ["BlockPosition", "CursorPosition", "KeyPosition", "Position", "checkpoint", "parse_position"]

VERSION = 1


@dataclass(frozen=True)
class KeyPosition:
    """A snapshot was read up to and including this primary key (texts, in key order).

    It is continued under the same snapshot while that lives, and by a later one otherwise.
    """

    kind: ClassVar[str] = "key"
    key: tuple[str, ...]
    columns: tuple[str, ...]
    snapshot: str


@dataclass(frozen=True)
class BlockPosition:
    """A snapshot was read up to but not including this block; good only while that snapshot lives."""

    kind: ClassVar[str] = "block"
    block: int
    snapshot: str


@dataclass(frozen=True)
class CursorPosition:
    """An incremental read delivered everything up to and including this cursor value, as far as it was visible.

    `value` is None when there was no row with one. `seen` are the primary keys of the delivered rows whose cursor
    equals `value`: a row with the same value that becomes visible later is delivered then. `seen` is None where rows
    have no key, or too many share the value; only greater values follow then.
    """

    kind: ClassVar[str] = "cursor"
    column: str
    value: str | None
    seen: tuple[tuple[str, ...], ...] | None


Position: TypeAlias = KeyPosition | BlockPosition | CursorPosition


def checkpoint(position: Position) -> Checkpoint:
    """Return the checkpoint from which a read continues at `position`."""
    return Checkpoint({"kind": position.kind, **asdict(position)}, version=VERSION)


def parse_position(state: Mapping[str, object] | bytes | None, version: int) -> Position | None:
    """Return the position that a stored state stands for, or None without one.

    Raises PositionLost for a state of another version or shape: it must be dropped before the stream can be read.
    """
    if not state:
        return None
    if isinstance(state, bytes) or version != VERSION:
        raise PositionLost(
            f"a stored state of version {version} is unknown to this connector; refresh the stream",
            reason="UNKNOWN_STATE",
        )
    parse = _KINDS.get(str(state.get("kind")))
    try:
        if parse is not None:
            return parse(state)
    except (KeyError, TypeError, ValueError) as error:
        raise PositionLost("the stored state is damaged; refresh the stream", reason="DAMAGED_STATE") from error
    raise PositionLost("the stored state is of an unknown kind; refresh the stream", reason="UNKNOWN_STATE")


def _key(fields: Mapping[str, Any]) -> KeyPosition:
    key, columns = _texts(fields["key"]), _texts(fields["columns"])
    if not key or len(key) != len(columns):
        raise ValueError("a key has as many values as columns")
    return KeyPosition(key, columns, _text(fields["snapshot"]))


def _block(fields: Mapping[str, Any]) -> BlockPosition:
    block = fields["block"]
    if type(block) is not int or block < 0:
        raise ValueError("a block is a number from 0")
    return BlockPosition(block, _text(fields["snapshot"]))


def _cursor(fields: Mapping[str, Any]) -> CursorPosition:
    value, seen = fields["value"], fields["seen"]
    return CursorPosition(
        _text(fields["column"]),
        None if value is None else _text(value),
        None if seen is None else tuple(_texts(key) for key in _list(seen)),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise TypeError("not a list")
    return list(cast("list[object]", value))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


_KINDS = {"key": _key, "block": _block, "cursor": _cursor}
