"""Which values of a configuration are secret, by its JSON Schema, and how they are masked and kept.

A value is secret when any subschema that can apply to it says `x-towpath-secret` or `writeOnly`: through `$ref`, nested
objects, arrays, `additionalProperties`, and every branch of `allOf`, `anyOf`, `oneOf` and `if`. Where branches disagree
the value is masked: showing a secret cannot be undone, masking something harmless costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.json_text import JsonObject, JsonValue

__all__ = ["MASK", "masked", "restored"]

MASK = "********"
"""Stands for a secret in every answer; sent back in an update it means "keep what is stored"."""


def masked(schema: JsonObject, config: JsonObject) -> JsonObject:
    """Return `config` with every secret replaced by MASK; null and empty strings stay, so that "not set" shows."""
    result = _Walk(schema).mask([schema], config)
    assert isinstance(result, dict)
    return result


def restored(schema: JsonObject, update: JsonObject, stored: JsonObject) -> JsonObject:
    """Return `update` with every MASK that stands for a secret replaced by the value in `stored`.

    An array element finds its stored partner by equality of everything that is not secret, else by position when both
    arrays are of equal length. Raises Misconfigured naming the fields for which nothing is stored.
    """
    walk = _Walk(schema)
    result = walk.restore([schema], update, stored, "")
    if walk.missing:
        problem = f"{MASK} stands for a stored value, but none is stored here: send the secret itself"
        raise Misconfigured(
            "a masked secret has no stored value", reason="SECRET_MISSING", fields=dict.fromkeys(walk.missing, problem)
        )
    assert isinstance(result, dict)
    return result


class _Walk:
    """Walks a value together with the subschemas that can apply to it."""

    def __init__(self, root: JsonObject) -> None:
        self.root = root
        self.missing: list[str] = []

    def mask(self, schemas: list[JsonObject], value: JsonValue) -> JsonValue:
        schemas = list(self._expand(schemas))
        if _is_secret(schemas):
            return value if value is None or value == "" else MASK
        if isinstance(value, dict):
            return {key: self.mask(_of_property(schemas, key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mask(_of_item(schemas, index), item) for index, item in enumerate(value)]
        return value

    def restore(self, schemas: list[JsonObject], value: JsonValue, stored: JsonValue, path: str) -> JsonValue:
        schemas = list(self._expand(schemas))
        if _is_secret(schemas):
            if value != MASK:
                return value
            if stored is None or stored == "":
                self.missing.append(path)
            return stored
        if isinstance(value, dict):
            inside: JsonObject = stored if isinstance(stored, dict) else {}
            return {
                key: self.restore(_of_property(schemas, key), item, inside.get(key), f"{path}.{key}" if path else key)
                for key, item in value.items()
            }
        if isinstance(value, list):
            partners = self._partners(schemas, value, stored if isinstance(stored, list) else [])
            return [
                self.restore(_of_item(schemas, index), item, partner, f"{path}[{index}]")
                for index, (item, partner) in enumerate(zip(value, partners, strict=True))
            ]
        return value

    def _partners(self, schemas: list[JsonObject], value: list[JsonValue], stored: list[JsonValue]) -> list[JsonValue]:
        shown = [self.mask(_of_item(schemas, index), item) for index, item in enumerate(stored)]
        partners: list[JsonValue] = []
        for index, item in enumerate(value):
            same = [position for position, candidate in enumerate(shown) if candidate == item]
            if index in same:
                partners.append(stored[index])
            elif len(same) == 1:
                partners.append(stored[same[0]])
            elif len(value) == len(stored) and not same:
                partners.append(stored[index])
            else:
                partners.append(None)
        return partners

    def _expand(self, schemas: list[JsonObject]) -> Iterator[JsonObject]:
        """Yield the schemas and every subschema of theirs that speaks of the same value."""
        pending = list(schemas)
        seen: set[int] = set()
        while pending:
            schema = pending.pop()
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            yield schema
            pending.extend(_branches(schema))
            reference = schema.get("$ref")
            if isinstance(reference, str):
                target = self._resolve(reference)
                if target is not None:
                    pending.append(target)

    def _resolve(self, reference: str) -> JsonObject | None:
        if not reference.startswith("#"):
            return None
        node: JsonValue = self.root
        for part in reference.removeprefix("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else None


def _is_secret(schemas: list[JsonObject]) -> bool:
    return any(schema.get("x-towpath-secret") is True or schema.get("writeOnly") is True for schema in schemas)


def _branches(schema: JsonObject) -> Iterator[JsonObject]:
    for keyword in ("allOf", "anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list):
            yield from (branch for branch in branches if isinstance(branch, dict))
    for keyword in ("if", "then", "else"):
        branch = schema.get(keyword)
        if isinstance(branch, dict):
            yield branch


def _of_property(schemas: list[JsonObject], key: str) -> list[JsonObject]:
    found: list[JsonObject] = []
    for schema in schemas:
        named = False
        properties = schema.get("properties")
        if isinstance(properties, dict) and key in properties:
            named = True
            found.extend(_as_schema(properties[key]))
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict):
            for pattern, subschema in patterns.items():
                if re.search(pattern, key):
                    named = True
                    found.extend(_as_schema(subschema))
        if not named:
            found.extend(_as_schema(schema.get("additionalProperties")))
            found.extend(_as_schema(schema.get("unevaluatedProperties")))
    return found


def _of_item(schemas: list[JsonObject], index: int) -> list[JsonObject]:
    found: list[JsonObject] = []
    for schema in schemas:
        prefix = schema.get("prefixItems")
        if isinstance(prefix, list) and index < len(prefix):
            found.extend(_as_schema(prefix[index]))
        else:
            found.extend(_as_schema(schema.get("items")))
            found.extend(_as_schema(schema.get("unevaluatedItems")))
        found.extend(_as_schema(schema.get("contains")))
    return found


def _as_schema(value: JsonValue) -> list[JsonObject]:
    return [value] if isinstance(value, dict) else []
