"""The streams that there are, by name."""

from __future__ import annotations

from collections.abc import Iterator

from towpath_sdk import NotFound, StreamName

from towpath_source_faker.config import FakerConfig
from towpath_source_faker.oddities import EXTRA, empty, extra, extras, wide
from towpath_source_faker.shop import shop
from towpath_source_faker.tables import Table
from towpath_source_faker.types import types

__all__ = ["find_table", "tables"]


def tables(config: FakerConfig) -> Iterator[Table]:
    """Every table, in a stable order."""
    yield from _ordinary(config)
    yield from extras(config)


def find_table(config: FakerConfig, name: StreamName) -> Table:
    """The table of a stream. Raises NotFound."""
    if name.namespace == EXTRA:
        found = extra(config, name)
    else:
        found = next((t for t in _ordinary(config) if (t.namespace, t.name) == (name.namespace, name.name)), None)
    if found is None:
        choices = ", ".join(table.full_name for table in _ordinary(config))
        raise NotFound(f"there is no stream {name}; there are {choices}", reason="UNKNOWN_STREAM")
    return found


def _ordinary(config: FakerConfig) -> Iterator[Table]:
    """Each is made when it is its turn: whoever looks for one of the first does not wait for a thousand columns."""
    yield from shop(config)
    yield types(config)
    yield empty()
    yield wide(config)
