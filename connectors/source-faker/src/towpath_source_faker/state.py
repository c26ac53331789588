"""From where a read continues, and what a split is. Values in, JSON-able mappings out; no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

from towpath_sdk import Checkpoint, Misconfigured, PositionLost, ReadMode

from towpath_source_faker.config import LAST_DAY

__all__ = ["VERSION", "Part", "Position", "parse_part", "parse_position"]

VERSION = 1
"""Encoding of `Position`."""
_NAMES = {"mode", "next", "day", "world"}


@dataclass(frozen=True)
class Position:
    """What comes next: a row in a snapshot, an entry of the log in an incremental read.

    A snapshot is that of a `day`, and goes on as of that day when time has passed. `world` stands for the settings
    that decide which row has which number.
    """

    mode: str
    next: int
    day: int
    world: str

    def checkpoint(self) -> Checkpoint:
        """The checkpoint from which a read continues here."""
        return Checkpoint(asdict(self), version=VERSION)


@dataclass(frozen=True)
class Part:
    """A split of a snapshot: rows from `first` to below `end`, as of a `day`."""

    first: int
    end: int
    day: int

    def token(self) -> bytes:
        """As it travels."""
        return json.dumps(asdict(self)).encode()


def parse_position(
    state: Mapping[str, object] | bytes | None, version: int, mode: ReadMode, world: str
) -> Position | None:
    """Return the position that a stored state stands for, None without one.

    Raises PositionLost for a state of another version, shape, mode or world: it must be dropped before the stream can
    be read.
    """
    if not state:
        return None
    if isinstance(state, bytes) or version != VERSION:
        raise PositionLost(
            f"a stored state of version {version} is unknown to this connector; refresh the stream",
            reason="UNKNOWN_STATE",
        )
    if set(state) != _NAMES or not _is_count(state["next"]) or not _is_count(state["day"], LAST_DAY):
        raise PositionLost("the stored state is damaged; refresh the stream", reason="DAMAGED_STATE")
    if state["mode"] != mode.name.lower():
        raise PositionLost("the stored state belongs to another read mode; refresh the stream", reason="OTHER_MODE")
    if state["world"] != world:
        raise PositionLost(
            "the stored state belongs to another seed or other numbers of rows; refresh the stream",
            reason="OTHER_WORLD",
        )
    return Position(mode.name.lower(), cast("int", state["next"]), cast("int", state["day"]), world)


def parse_part(token: bytes) -> Part | None:
    """Return the part that a split stands for, None for the whole. Raises Misconfigured for a token of nobody's."""
    if not token:
        return None
    try:
        part = Part(**json.loads(token))
    except (TypeError, ValueError):
        raise _no_token() from None
    if not (_is_count(part.first, part.end) and _is_count(part.end) and _is_count(part.day, LAST_DAY)):
        raise _no_token()
    return part


def _no_token() -> Misconfigured:
    return Misconfigured("the token of the split was not made by this connector", reason="UNKNOWN_SPLIT")


def _is_count(value: object, most: int = 2**63 - 1) -> bool:
    return type(value) is int and 0 <= value <= most
