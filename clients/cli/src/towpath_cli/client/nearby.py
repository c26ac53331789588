"""What a name that does not exist was probably meant to be: similar names of the same kind that do exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, cast

from google.protobuf.message import Message
from towpath_sdk.errors import NotFound, TowpathError

__all__ = ["Listing", "Missing", "look_around", "names_in"]

Listing = Callable[[], Iterable[str]]
"""Asks the server for the resource names of one collection."""

_NAME = re.compile(r"(connectors|sources|destinations|connections|jobs|tokens)/.+")
_MOST = 3
_SIMILARITY = 0.7
"""Of difflib, from 0 to 1: one letter wrong in five passes, another word does not."""


class Missing(NotFound):
    """One of the resources that a request names does not exist.

    `names` are all resource names in the request; `collection` and `near` are known after `look_around`: the kind of
    what is missing, and ids that resemble it.
    """

    def __init__(self, error: NotFound, names: Iterable[str]) -> None:
        super().__init__(error.message, reason=error.reason, fields=error.fields, owner=error.owner)
        self.names = tuple(names)
        self.collection = ""
        self.near: tuple[str, ...] = ()


def names_in(message: Message) -> Iterator[str]:
    """Yield every resource name that a request holds, such as `sources/shop-db`."""
    for _, value in message.ListFields():
        for item in [value] if isinstance(value, str | Message) else _items(value):
            if isinstance(item, Message):
                yield from names_in(item)
            elif isinstance(item, str) and _NAME.fullmatch(item):
                yield item


def look_around(error: Missing, listings: Mapping[str, Listing]) -> None:
    """Find out which of the names is missing, and what resembles it; nothing happens when the server is gone."""
    for name in error.names:
        collection, _, identifier = name.partition("/")
        try:
            present = list(listings[collection]())
        except TowpathError:
            # The user is told what was not found, with or without a suggestion.
            return
        if name not in present:
            error.collection = collection
            error.near = _near(identifier, [one.partition("/")[2] for one in present])
            return


def _near(identifier: str, present: list[str]) -> tuple[str, ...]:
    longer = [one for one in present if one.startswith(identifier)]
    similar = get_close_matches(identifier, present, _MOST, _SIMILARITY)
    return tuple(dict.fromkeys([*longer, *similar]))[:_MOST]


def _items(value: Any) -> Iterable[object]:
    """Elements of a repeated field; none for a scalar or a map."""
    repeated = isinstance(value, Iterable) and not isinstance(value, bytes | Mapping)
    return cast("Iterable[object]", value) if repeated else ()
