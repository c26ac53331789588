"""What a connector's JSON Schema says of its configuration: which fields are secret or required, and their types."""

from __future__ import annotations

from collections.abc import Iterator

from towpath_cli.json_values import JsonObject, JsonValue

__all__ = ["MASK", "is_secret", "mask", "missing_secrets", "types_of"]

MASK = "********"
"""Stands for a secret in every answer of the server; sent back, it means "keep what is stored"."""


def is_secret(schema: JsonObject, path: str) -> bool:
    """Whether the value at a dotted path, such as `tunnel.password`, is a secret."""
    return any(_says_secret(part) for part in _at(schema, path))


def types_of(schema: JsonObject, path: str) -> frozenset[str]:
    """JSON types that are allowed at a dotted path; empty when the schema does not say."""
    types: set[str] = set()
    for part in _at(schema, path):
        said = part.get("type")
        types.update(
            [said]
            if isinstance(said, str)
            else [item for item in said or [] if isinstance(item, str)]
            if isinstance(said, list)
            else []
        )
    return frozenset(types)


def mask(schema: JsonObject, config: JsonObject) -> JsonObject:
    """Return `config` with every secret that is set replaced by the mask."""
    result = _mask(schema, [schema], config)
    assert isinstance(result, dict)
    return result


def missing_secrets(schema: JsonObject, config: JsonObject) -> list[str]:
    """Required secrets of the top level that `config` does not have, in the order of the schema."""
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return [name for name in names if name not in config and is_secret(schema, name)]


def _mask(root: JsonObject, schemas: list[JsonObject], value: JsonValue) -> JsonValue:
    schemas = list(_expand(root, schemas))
    if any(_says_secret(schema) for schema in schemas):
        return value if value in (None, "") else MASK
    if isinstance(value, dict):
        return {key: _mask(root, _property(schemas, key), item) for key, item in value.items()}
    if isinstance(value, list):
        items = [schema["items"] for schema in schemas if "items" in schema]
        return [_mask(root, [item for item in items if isinstance(item, dict)], element) for element in value]
    return value


def _at(schema: JsonObject, path: str) -> list[JsonObject]:
    schemas = list(_expand(schema, [schema]))
    for key in path.split("."):
        schemas = list(_expand(schema, _property(schemas, key)))
    return schemas


def _says_secret(schema: JsonObject) -> bool:
    return schema.get("x-towpath-secret") is True or schema.get("writeOnly") is True


def _property(schemas: list[JsonObject], key: str) -> list[JsonObject]:
    found: list[JsonObject] = []
    for schema in schemas:
        properties = schema.get("properties")
        inside = properties.get(key) if isinstance(properties, dict) else None
        if inside is None:
            inside = schema.get("additionalProperties")
        if isinstance(inside, dict):
            found.append(inside)
    return found


def _expand(root: JsonObject, schemas: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield the schemas and all that they refer to for the same value: `$ref`, `allOf`, `anyOf`, `oneOf`."""
    pending, seen = list(schemas), set[int]()
    while pending:
        schema = pending.pop(0)
        if id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        for keyword in ("allOf", "anyOf", "oneOf"):
            branches = schema.get(keyword)
            if isinstance(branches, list):
                pending.extend(branch for branch in branches if isinstance(branch, dict))
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            target: JsonValue = root
            for part in reference[2:].split("/"):
                target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
            if isinstance(target, dict):
                pending.append(target)
