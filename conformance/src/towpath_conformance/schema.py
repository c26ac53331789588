"""What a connector's JSON Schema says of its configuration: its fields, with their types, and which are secret.

It reads what schemas of configurations are made of (`properties`, `items`, `$ref` within the document, `allOf`,
`anyOf`, `oneOf`) and passes over the rest: it describes, and never validates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

__all__ = ["Schema", "SchemaField", "fields_of", "parse_schema", "secret_texts"]

Schema: TypeAlias = Mapping[str, Any]

_DEEPEST = 8
"""Levels of nesting that are followed: a schema may refer to itself."""


@dataclass(frozen=True)
class SchemaField:
    """One field of a configuration.

    `path` is dotted, such as `tunnel.port`; the items of a list are `hosts[]`. `schemas` are all that apply to its
    value, alternatives included, the most special first.
    """

    path: str
    required: bool
    schemas: Sequence[Schema]
    alternative: str = ""
    """Which of several alternatives of its parent has it, by that one's title; empty when all have."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return any(_says_secret(schema) for schema in self.schemas)

    @property
    def types(self) -> Sequence[str]:
        """JSON types that it allows, null left out, in the order of the schema; empty when the schema does not say."""
        found: dict[str, None] = {}
        for schema in self.schemas:
            said = schema.get("type")
            names: list[Any] = cast("list[Any]", said) if isinstance(said, list) else [said]
            found.update(dict.fromkeys(name for name in names if isinstance(name, str) and name != "null"))
        return list(found)

    @property
    def description(self) -> str:
        """Text for people; empty when there is none."""
        return self._first("description", str) or ""

    @property
    def choices(self) -> Sequence[Any]:
        """Values of `enum` or `const`; empty when any value of the type will do."""
        for schema in self.schemas:
            if isinstance(schema.get("enum"), list):
                return cast("list[Any]", schema["enum"])
            if "const" in schema:
                return [schema["const"]]
        return []

    @property
    def has_default(self) -> bool:
        """It says what it is when it is left out."""
        return any("default" in schema for schema in self.schemas)

    @property
    def default(self) -> Any:
        """That value; None too when there is none."""
        return next((schema["default"] for schema in self.schemas if "default" in schema), None)

    @property
    def examples(self) -> Sequence[Any]:
        """Values that the author gives as examples."""
        return self._first("examples", list) or []

    def keyword(self, name: str) -> Any:
        """The value of a keyword such as `format` or `minimum`; None when no schema has it."""
        return next((schema[name] for schema in self.schemas if name in schema), None)

    def _first(self, name: str, kind: type[Any]) -> Any:
        return next((schema[name] for schema in self.schemas if isinstance(schema.get(name), kind)), None)


def parse_schema(config_json_schema: str) -> Schema:
    """Read a schema as it came; what is no JSON object is a schema that says nothing."""
    try:
        parsed: Any = json.loads(config_json_schema)
    except ValueError:
        return {}
    return cast("Schema", parsed) if isinstance(parsed, dict) else {}


def fields_of(schema: Schema) -> Iterator[SchemaField]:
    """Yield every field, parents before their children, in the order of the schema."""
    yield from _fields(schema, [schema], "", 0)


def secret_texts(schema: Schema, config: Any) -> Iterator[str]:
    """Yield every text of `config` that the schema says is secret, numbers as they are written."""
    yield from _secret_texts(schema, [schema], config, 0)


def _fields(root: Schema, schemas: Sequence[Schema], prefix: str, depth: int) -> Iterator[SchemaField]:
    if depth == _DEEPEST:
        return
    expanded = list(_expanded(root, schemas))
    branches = _alternatives(root, expanded)
    for part in expanded:
        properties = part.get("properties")
        if not isinstance(properties, dict):
            continue
        required: Any = part.get("required") or []
        for name, inside in cast("dict[str, Any]", properties).items():
            path = f"{prefix}.{name}" if prefix else name
            found = _as_schemas(inside)
            own = list(_expanded(root, found))
            yield SchemaField(path, name in required, own, branches.get(id(part), ""))
            yield from _fields(root, found, path, depth + 1)
            items = [item for schema in own for item in _as_schemas(schema.get("items"))]
            yield from _fields(root, items, f"{path}[]", depth + 1)


def _alternatives(root: Schema, expanded: Sequence[Schema]) -> dict[int, str]:
    """Titles of the branches of unions, by the identity of the schemas that they consist of."""
    titles: dict[int, str] = {}
    for schema in expanded:
        for keyword in ("anyOf", "oneOf"):
            for branch in _as_list(schema.get(keyword)):
                parts = list(_expanded(root, _as_schemas(branch)))
                title = next((str(part["title"]) for part in parts if "title" in part), "one alternative")
                titles.update({id(part): title for part in parts if "properties" in part})
    return titles


def _secret_texts(root: Schema, schemas: Sequence[Schema], value: Any, depth: int) -> Iterator[str]:
    expanded = list(_expanded(root, schemas))
    if any(_says_secret(schema) for schema in expanded):
        yield from _texts(value)
    elif depth == _DEEPEST:
        return
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from _secret_texts(root, list(_property(expanded, key)), item, depth + 1)
    elif isinstance(value, list):
        items = [item for schema in expanded for item in _as_schemas(schema.get("items"))]
        for item in cast("list[Any]", value):
            yield from _secret_texts(root, items, item, depth + 1)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def _property(schemas: Sequence[Schema], key: str) -> Iterator[Schema]:
    for schema in schemas:
        properties: Any = schema.get("properties")
        known = isinstance(properties, dict) and key in properties
        yield from _as_schemas(cast("Any", properties)[key] if known else schema.get("additionalProperties"))


def _says_secret(schema: Schema) -> bool:
    return schema.get("x-towpath-secret") is True or schema.get("writeOnly") is True


def _expanded(root: Schema, schemas: Sequence[Schema]) -> Iterator[Schema]:
    """Yield the schemas, and all that they refer to for the same value."""
    pending, seen = list(schemas), set[int]()
    while pending:
        schema = pending.pop(0)
        if id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        for keyword in ("allOf", "anyOf", "oneOf"):
            pending.extend(part for branch in _as_list(schema.get(keyword)) for part in _as_schemas(branch))
        pending.extend(_referred(root, schema.get("$ref")))


def _referred(root: Schema, reference: Any) -> Sequence[Schema]:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return []
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = cast("dict[str, Any]", found).get(name) if isinstance(found, dict) else None
    return _as_schemas(found)


def _as_schemas(value: Any) -> Sequence[Schema]:
    return [cast("Schema", value)] if isinstance(value, dict) else []


def _as_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
