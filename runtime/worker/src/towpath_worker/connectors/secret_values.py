"""Which texts of a configuration are secret, so that the worker can keep them out of logs and failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from towpath_sdk.redaction import Redactor

__all__ = ["redactor_of"]


def redactor_of(config_json_schema: str, config_json: str) -> Redactor:
    """Return a redactor of every value whose field the schema calls secret, wherever a field of that name occurs.

    By name and not by place, because that needs no validation: showing a secret cannot be undone, masking something
    harmless costs nothing. Texts that are not JSON yield no secrets.
    """
    try:
        schema, config = json.loads(config_json_schema or "{}"), json.loads(config_json or "{}")
    except ValueError:
        return Redactor()
    return Redactor(_texts_under(config, frozenset(_secret_names(schema))))


def _secret_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in cast("list[Any]", schema):
            yield from _secret_names(item)
    elif isinstance(schema, dict):
        node = cast("dict[str, Any]", schema)
        properties = node.get("properties")
        if isinstance(properties, dict):
            for name, inner in cast("dict[str, Any]", properties).items():
                if _mentions_secret(inner):
                    yield name
        for inner in node.values():
            yield from _secret_names(inner)


def _mentions_secret(schema: Any) -> bool:
    """Whether a property is secret itself, directly or in a branch; not through further properties or references."""
    if isinstance(schema, list):
        return any(_mentions_secret(item) for item in cast("list[Any]", schema))
    if not isinstance(schema, dict):
        return False
    node = cast("dict[str, Any]", schema)
    if node.get("writeOnly") is True or node.get("x-towpath-secret") is True:
        return True
    inner = (node.get(keyword) for keyword in ("anyOf", "oneOf", "allOf", "items", "additionalProperties"))
    return any(_mentions_secret(item) for item in inner)


def _texts_under(value: Any, names: frozenset[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts_under(item, names)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from _texts(item) if name in names else _texts_under(item, names)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from _texts(item)
