"""Protobuf messages cut into their fields, as they lie on the wire: what a parser would hide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Field", "Malformed", "fields_of"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_MORE = 0x80
_LONGEST_VARINT = 10


class Malformed(Exception):
    """The bytes are no protobuf message."""


@dataclass(frozen=True)
class Field:
    """One field. `start` and `end` bound what it holds, without its tag and its length, in bytes of the message."""

    number: int
    start: int
    end: int


def fields_of(message: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the fields of a message, or of the part of it that is a message itself, in order. Raises Malformed."""
    at, end = start, len(message) if end is None else end
    while at < end:
        tag, at = _varint(message, at, end)
        kind = tag & 7
        if kind == _VARINT:
            _, after = _varint(message, at, end)
        elif kind == _BYTES:
            size, at = _varint(message, at, end)
            after = at + size
        elif kind in _WIDTHS:
            after = at + _WIDTHS[kind]
        else:
            raise Malformed(f"wire type {kind} at byte {at}")
        if after > end:
            raise Malformed(f"a field reaches beyond the end at byte {end}")
        yield Field(tag >> 3, at, after)
        at = after


def _varint(message: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(min(_LONGEST_VARINT, end - at)):
        byte = message[at + place]
        value |= (byte & ~_MORE) << 7 * place
        if byte < _MORE:
            return value, at + place + 1
    raise Malformed(f"no number ends at byte {at}")
