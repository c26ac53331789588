"""Checks a configuration against its connector's JSON Schema; what it reports never repeats a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from towpath_sdk.errors import Conflict, Misconfigured

from towpath_server.domain.json_text import JsonObject, JsonValue

__all__ = ["check_config", "check_schema"]


_WORDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "exclusiveMaximum": "must be below {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} entries",
    "maxItems": "must have at most {} entries",
    "uniqueItems": "must not hold the same entry twice",
    "pattern": "must match the pattern {}",
    "format": "must be a valid {}",
}


def check_schema(schema: JsonObject) -> None:
    """Raise Conflict when `schema`, sent by a connector, is no JSON Schema 2020-12."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = error.json_path
        raise Conflict(
            f"the connector's configuration schema is not valid JSON Schema 2020-12 at {where}; this is for its author",
            reason="INVALID_SPEC",
        ) from error


def check_config(schema: JsonObject, config: JsonObject) -> None:
    """Raise Misconfigured, with one entry per field at fault, when `config` does not match `schema`."""
    validator: Any = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    errors: list[ValidationError] = list(validator.iter_errors(config))
    fields: dict[str, str] = {}
    for error in sorted(errors, key=lambda item: list(map(str, item.absolute_path))):
        for path, problem in _explain(error):
            fields.setdefault(path or "config_json", problem)
    if fields:
        raise Misconfigured(
            "the configuration does not match the connector's schema", reason="INVALID_CONFIG", fields=fields
        )


def _explain(error: ValidationError) -> Iterable[tuple[str, str]]:
    path = _path(error.absolute_path)
    keyword = str(error.validator)
    match keyword:
        case "required":
            yield from _missing(path, error)
        case "additionalProperties" | "unevaluatedProperties":
            yield from _unknown(path, error)
        case "anyOf" | "oneOf":
            yield from _no_branch(path, error)
        case _:
            yield path, _problem(keyword, _wanted(error))


def _problem(keyword: str, wanted: JsonValue) -> str:
    """Say what a rule of the schema wants; `wanted` comes from the schema, never from the configuration."""
    match keyword, wanted:
        case "type", list(types):
            return f"must be {' or '.join(_with_article(str(name)) for name in types)}"
        case "type", _:
            return f"must be {_with_article(str(wanted))}"
        case "enum", list(choices):
            return f"must be one of: {', '.join(map(_shown, choices))}"
        case "const", _:
            return f"must be {_shown(wanted)}"
        case "minLength", 1:
            return "must not be empty"
        case _:
            return _WORDS.get(keyword, f"breaks the rule `{keyword}` of the schema").format(wanted)


def _missing(path: str, error: ValidationError) -> Iterable[tuple[str, str]]:
    present = _names(error.instance)
    required = _wanted(error)
    for name in required if isinstance(required, list) else []:
        if name not in present:
            yield _join(path, str(name)), "is required"


def _unknown(path: str, error: ValidationError) -> Iterable[tuple[str, str]]:
    schema = cast("JsonObject", error.schema) if isinstance(error.schema, dict) else {}
    known = _names(schema.get("properties"))
    patterns = _names(schema.get("patternProperties"))
    choices = f"; known fields: {', '.join(sorted(known))}" if known else ""
    for name in _names(error.instance):
        if name not in known and not any(re.search(pattern, name) for pattern in patterns):
            yield _join(path, name), f"is not a known field{choices}"


def _no_branch(path: str, error: ValidationError) -> Iterable[tuple[str, str]]:
    """Explain the branch that came closest: one whose constants match, then the one with the fewest faults."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    if not branches:
        yield path, "matches more than one of the alternatives; it must match exactly one"
        return
    if all(_is_own_type_error(inner, error) for faults in branches.values() for inner in faults):
        types = [str(_wanted(inner)) for faults in branches.values() for inner in faults]
        yield path, f"must be {' or '.join(_with_article(name) for name in types)}"
        return

    def distance(faults: list[ValidationError]) -> tuple[bool, bool, int]:
        wrong_type = any(_is_own_type_error(inner, error) for inner in faults)
        wrong_tag = any(inner.validator in ("const", "enum") for inner in faults)
        return wrong_type, wrong_tag, len(faults)

    for inner in min(branches.values(), key=distance):
        yield from _explain(inner)


def _is_own_type_error(inner: ValidationError, outer: ValidationError) -> bool:
    return inner.validator == "type" and len(inner.absolute_path) == len(outer.absolute_path)


def _wanted(error: ValidationError) -> JsonValue:
    return cast("JsonValue", error.validator_value)


def _names(value: object) -> list[str]:
    return list(cast("JsonObject", value)) if isinstance(value, dict) else []


def _path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, part)
    return path


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else repr(value)


def _with_article(name: str) -> str:
    if name == "null":
        return "null"
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
