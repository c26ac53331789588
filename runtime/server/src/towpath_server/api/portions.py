"""Cuts long answers into messages that every client accepts: gRPC's usual limit is 4 MiB a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from google.protobuf.message import Message

__all__ = ["portions"]

_BYTES = 1 << 20

MessageT = TypeVar("MessageT", bound=Message)


def portions(messages: Iterable[MessageT]) -> Iterator[Sequence[MessageT]]:
    """Yield `messages` in order, in portions of at most 1 MiB; one that is larger by itself is a portion alone."""
    portion: list[MessageT] = []
    size = 0
    for message in messages:
        bytes_more = message.ByteSize()
        if portion and size + bytes_more > _BYTES:
            yield portion
            portion, size = [], 0
        portion.append(message)
        size += bytes_more
    if portion:
        yield portion
