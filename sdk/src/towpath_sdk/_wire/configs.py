"""Configurations: JSON text to a pydantic model and its secrets, and the model's JSON Schema."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from towpath_sdk.config import Config
from towpath_sdk.errors import Bug, Misconfigured
from towpath_sdk.redaction import Redactor

__all__ = ["ParsedConfig", "config_model", "json_schema", "parse_config"]

ConfigT = TypeVar("ConfigT", bound=Config)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MARK = "x-towpath-secret"


@dataclass(frozen=True)
class ParsedConfig(Generic[ConfigT]):
    """A configuration with what must never leave it."""

    values: ConfigT
    redactor: Redactor


def config_model(connector: type, base: type) -> type[Config]:
    """Find the parameter of `base` (Source or Destination) among the ancestors of a connector's class."""
    for ancestor in connector.__mro__:
        for parent in getattr(ancestor, "__orig_bases__", ()):
            if get_origin(parent) is base:
                (model,) = get_args(parent)
                if isinstance(model, type) and issubclass(model, Config):
                    return model
    raise Bug(
        f"{connector.__name__} does not name its configuration:"
        f" write class {connector.__name__}({base.__name__}[MyConfig])"
    )


def json_schema(model: type[Config]) -> str:
    """JSON Schema 2020-12 of a model; each secret carries `writeOnly` and `x-towpath-secret`, wherever it is nested."""
    schema = {"$schema": _DIALECT, **model.model_json_schema(mode="validation")}
    _mark_secrets(schema)
    return json.dumps(schema, ensure_ascii=False)


def parse_config(model: type[ConfigT], config_json: str) -> ParsedConfig[ConfigT]:
    """Validate a configuration.

    Raises Misconfigured whose `fields` name the path of each value at fault, such as "tls.certificate" or
    "tables[0]", and which echoes no secret; Bug when a validator raises anything but ValueError.
    """
    try:
        raw = json.loads(config_json)
    except ValueError as error:
        where = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "unreadable"
        raise Misconfigured(f"the configuration is not valid JSON ({where})", reason="INVALID_CONFIG") from None
    suspected = Redactor(_secrets_by_name(raw, _secret_names(model)))
    try:
        values = model.model_validate_json(config_json)
    except ValidationError as error:
        problems = {
            suspected.redact(_path(problem["loc"], raw)): suspected.redact(problem["msg"])
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        }
        count = len(problems)
        summary = "the configuration has a problem" if count == 1 else f"the configuration has {count} problems"
        first = next(iter(problems.items()))
        raise Misconfigured(f"{summary}: {first[0]}: {first[1]}", reason="INVALID_CONFIG", fields=problems) from None
    except Exception as error:  # noqa: BLE001 a validator of the author's broke; its words may quote a secret
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise Bug(
            f"validating the configuration raised {type(error).__name__}: {suspected.redact(str(error))}"
            f" ({place.filename} line {place.lineno})",
            reason="UNEXPECTED_EXCEPTION",
        ) from None
    return ParsedConfig(values, suspected | Redactor(_secrets_of(values)))


def _mark_secrets(node: Any) -> None:
    if isinstance(node, list):
        for item in cast("list[Any]", node):
            _mark_secrets(item)
    elif isinstance(node, dict):
        mapping = cast("dict[str, Any]", node)
        for value in mapping.values():
            _mark_secrets(value)
        if (mapping.get("format") == "password" and mapping.get("writeOnly") is True) or _is_optional_secret(mapping):
            mapping["writeOnly"] = True
            mapping[_MARK] = True
            if mapping.get("default") is not None:
                del mapping["default"]


def _is_optional_secret(node: Mapping[str, Any]) -> bool:
    """Say whether a node is a union of secrets and null, so that whoever masks need not look into unions."""
    for keyword in ("anyOf", "oneOf"):
        choices = node.get(keyword)
        if isinstance(choices, list):
            others = [c for c in cast("list[dict[str, Any]]", choices) if c.get("type") != "null"]
            if others and all(choice.get(_MARK) is True for choice in others):
                return True
    return False


@lru_cache(maxsize=64)
def _secret_names(model: type[Config]) -> frozenset[str]:
    """Names of the secrets of a model, which every call needs; making its schema takes longer than many a call."""
    marked = model.model_json_schema(mode="validation")
    _mark_secrets(marked)
    return frozenset(_walk_secret_names(marked))


def _walk_secret_names(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in cast("list[Any]", node):
            yield from _walk_secret_names(item)
    elif isinstance(node, dict):
        mapping = cast("dict[str, Any]", node)
        properties = mapping.get("properties")
        if isinstance(properties, dict):
            for name, value in cast("dict[str, Any]", properties).items():
                if f'"{_MARK}": true' in json.dumps(value):
                    yield name
        for value in mapping.values():
            yield from _walk_secret_names(value)


def _secrets_by_name(raw: Any, names: frozenset[str]) -> Iterator[str]:
    """Texts under the names of secret fields: what may be a secret in a configuration that does not validate."""
    if isinstance(raw, dict):
        for name, value in cast("dict[str, Any]", raw).items():
            yield from _texts(value) if name in names else _secrets_by_name(value, names)
    elif isinstance(raw, list):
        for value in cast("list[Any]", raw):
            yield from _secrets_by_name(value, names)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def _secrets_of(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode("utf-8", "replace")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_of(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in cast("Mapping[Any, Any]", value).values():
            yield from _secrets_of(item)
    elif isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        for item in cast("Sequence[Any]", value):
            yield from _secrets_of(item)


def _path(loc: Sequence[str | int], raw: Any) -> str:
    """Write a pydantic location as a path into the configuration, without the tags of unions and validators."""
    path = ""
    here = raw
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(part, int):
            if isinstance(here, list):
                items = cast("list[Any]", here)
                path += f"[{part}]"
                here = items[part] if part < len(items) else None
        elif isinstance(here, dict):
            mapping = cast("dict[str, Any]", here)
            if part in mapping or last:
                path += f".{part}" if path else part
                here = mapping.get(part)
    return path or "(configuration)"
