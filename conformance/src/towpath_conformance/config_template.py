"""The `config` and `invalid` sections of a first case file, drawn from the connector's JSON Schema."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import yaml

from towpath_conformance.schema import Schema, SchemaField, fields_of

__all__ = ["FILL_IN", "commented", "config_section", "env_name", "invalid_section", "yaml_value"]

FILL_IN = "# <- fill in"
"""Marks a line whose value only the author knows."""

_WIDTH = 100
_PLACEHOLDERS: Mapping[str, Any] = {
    "string": "...",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "object": {},
}
_HOSTS = re.compile(r"(^|_)(host|hostname|server)$", re.IGNORECASE)


def config_section(schema: Schema, given: Mapping[str, Any] | None) -> list[str]:
    """Lines of the valid configuration: what is given or required, then what is optional, as comments.

    Secrets that are given in plain are not repeated: `${NAME}` stands in their place.
    """
    fields = [field for field in fields_of(schema) if "[]" not in field.path]
    lines = list(_fields(fields, "", "  ", given, active=True))
    lines += _unknown_to_schema(fields, given)
    if any(line and not line.lstrip().startswith("#") for line in lines):
        return ["config:", *lines]
    return ["config: {}  # every field is optional; take the braces away to set one", *lines]


def invalid_section(schema: Schema, given: Mapping[str, Any] | None) -> list[str]:
    """Lines of configurations that must fail, as far as they can be guessed from the schema."""
    entries: list[str] = []
    for field in fields_of(schema):
        always = field.required and "." not in field.path
        if "[]" in field.path or not (always or _has(given, field.path)):
            continue
        if field.secret and field.types in (["string"], []):
            entries += _entry(f"wrong {_words(field.name)}", field.path, "not-the-right-one", "credentials")
        elif _HOSTS.search(field.name):
            entries += _entry("unknown host", field.path, "nowhere.invalid", "unreachable")
        elif field.keyword("format") in ("file-path", "directory-path"):
            entries += _entry(f"{_words(field.name)} that does not exist", field.path, "/nowhere/at/all")
    example = _entry("wrong password", "password", "not-the-right-one", "credentials")
    return [
        "# Configurations that must fail: the valid one with fields changed (`set`, dotted paths) or removed (`drop`).",
        "# `fails` says how, as far as it matters: the `probe` that fails, the `field` at fault, the `reason`.",
        *(["invalid:", *entries] if entries else commented(["invalid:", *example])),
    ]


def env_name(path: str) -> str:
    """The environment variable that a secret field is read from: `tunnel.apiKey` is TUNNEL_API_KEY."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path)
    return re.sub(r"\W+", "_", snake).strip("_").upper()


def yaml_value(value: Any) -> str:
    """A value in one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def commented(lines: Sequence[str], indent: str = "") -> list[str]:
    """The lines as comments at an indent: taking `# ` away makes them count. What is a comment there stays one."""
    return [line if line.startswith(f"{indent}#") else f"{indent}# {line.removeprefix(indent)}" for line in lines]


def _fields(
    fields: Sequence[SchemaField], prefix: str, indent: str, given: Mapping[str, Any] | None, *, active: bool
) -> Iterator[str]:
    """Lines of the fields right below `prefix`; `active` ones are not comments."""
    children = [field for field in fields if field.path.rpartition(".")[0] == prefix]
    first = next((field.alternative for field in children if field.alternative), "")
    said = {""}
    # What counts comes first: whoever reads it sees what is judged before what might be.
    counts = [active and _counts(field, given, first) for field in children]
    ordered = sorted(zip(children, counts, strict=True), key=lambda pair: not pair[1])
    names: set[str] = set()
    for field, counting in ordered:
        if field.alternative not in said:
            said.add(field.alternative)
            yield f"{indent}# {field.alternative}:"
        repeated = field.name in names
        names.add(field.name)
        lines = list(_field(field, fields, indent, given, active=counting and not repeated))
        yield from lines if counting and not repeated else commented(lines, indent)


def _field(
    field: SchemaField, fields: Sequence[SchemaField], indent: str, given: Mapping[str, Any] | None, *, active: bool
) -> Iterator[str]:
    for line in textwrap.wrap(_about(field), _WIDTH - len(indent), break_on_hyphens=False):
        yield f"{indent}# {line}"
    key = yaml_value(field.name)
    if any(other.path.startswith(f"{field.path}.") for other in fields) and _value(given, field.path) is None:
        below = list(_fields(fields, field.path, f"{indent}  ", given, active=active))
        live = any(line and not line.lstrip().startswith("#") for line in below)
        yield f"{indent}{key}:" if live or not active else f"{indent}{key}: {{}}"
        yield from below
        return
    if _has(given, field.path):
        inside = _value(given, field.path)
        if isinstance(inside, dict) and inside and any(other.path.startswith(f"{field.path}.") for other in fields):
            yield f"{indent}{key}:"
            yield from _fields(fields, field.path, f"{indent}  ", given, active=active)
            return
        in_plain = field.secret and "${" not in json.dumps(inside)
        yield f"{indent}{key}: {yaml_value(f'${{{env_name(field.path)}}}' if in_plain else inside)}"
        return
    if field.secret:
        yield f"{indent}{key}: {yaml_value(f'${{{env_name(field.path)}}}')}"
        return
    value, known = _placeholder(field)
    yield f"{indent}{key}: {yaml_value(value)}" + ("" if known or not active else f"  {FILL_IN}")


def _counts(field: SchemaField, given: Mapping[str, Any] | None, first_alternative: str) -> bool:
    if given is not None:
        return _has(given, field.path)
    return field.required and field.alternative in ("", first_alternative)


def _about(field: SchemaField) -> str:
    kind = " or ".join(field.types) or "any value"
    if field.choices:
        kind = f"one of {', '.join(map(yaml_value, field.choices))}"
    facts = [kind]
    if form := field.keyword("format"):
        facts.append(str(form))
    if field.secret:
        facts.append("secret")
    default = field.default
    told = default is not None and default != [] and not isinstance(default, dict) and not field.secret
    facts.append("required" if field.required else f"default {yaml_value(default)}" if told else "optional")
    return f"{field.description.strip()} ({', '.join(facts)})".strip()


def _placeholder(field: SchemaField) -> tuple[Any, bool]:
    """A value to begin with, and whether it is more than a guess."""
    if field.has_default and field.default is not None:
        return field.default, True
    if field.choices:
        return field.choices[0], True
    if field.examples:
        return field.examples[0], False
    least = field.keyword("minimum")
    kind = next(iter(field.types), "string")
    return (least if least is not None else _PLACEHOLDERS.get(kind, "...")), False


def _unknown_to_schema(fields: Sequence[SchemaField], given: Mapping[str, Any] | None) -> list[str]:
    known = {field.path for field in fields}
    return [f"  {yaml_value(key)}: {yaml_value(value)}" for key, value in (given or {}).items() if key not in known]


def _entry(name: str, path: str, value: str, kind: str = "") -> list[str]:
    lines = [f"  - name: {yaml_value(name)}", f"    set: {yaml_value({path: value})}"]
    return [lines[0], f"    kind: {kind}", lines[1]] if kind else lines


def _has(given: Mapping[str, Any] | None, path: str) -> bool:
    inside: Any = given
    for key in path.split("."):
        if not isinstance(inside, dict) or key not in inside:
            return False
        inside = cast("dict[str, Any]", inside)[key]
    return True


def _value(given: Mapping[str, Any] | None, path: str) -> Any:
    inside: Any = given
    for key in path.split("."):
        inside = cast("dict[str, Any]", inside).get(key) if isinstance(inside, dict) else None
    return inside


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).lower()
