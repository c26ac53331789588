"""Configurations with one thing wrong, chosen by the connector's own schema, and how a refusal has to name it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import UnknownType
from referencing import Registry
from referencing.exceptions import Unresolvable

from towpath_conformance.schema import Schema, SchemaField, fields_of

__all__ = ["Spoilt", "complaints_of", "located", "mistyped", "names", "within", "without_required"]

_Keys: TypeAlias = "list[str | int]"

_WRONG: Sequence[Any] = ({"towpath": "conformance"}, "towpath conformance", ["towpath conformance"])
"""Values of another type, of which no lenient reader makes the right one."""


@dataclass(frozen=True)
class Spoilt:
    """The valid configuration with one field wrong; `what` says so, for messages."""

    path: str
    """As BadRequest has to name it: `tunnel.port`, `hosts[0].name`."""
    what: str
    config: Any
    one_of_several: bool = False
    """The field belongs to an alternative: which one was meant is open, so its parent may be named instead."""


def complaints_of(schema: Schema, config: Any) -> Sequence[str] | None:
    """Say how a configuration does not conform; None when the schema itself cannot be judged by."""
    validator: Any = Draft202012Validator(cast("Any", schema), registry=Registry())
    try:
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(config)]
    except (Unresolvable, UnknownType, re.error, TypeError, KeyError, AttributeError):
        return None


def without_required(schema: Schema, config: Mapping[str, Any]) -> Iterator[Spoilt]:
    """Yield the configuration without each field that the schema requires of it."""
    done: set[str] = set()  # alternatives may share a field
    for field in fields_of(schema):
        keys = located(config, field.path)
        if keys is None or field.path in done or keys[-1] not in within(config, keys):
            continue
        done.add(field.path)
        spoilt = deepcopy(dict(config))
        within(spoilt, keys).pop(keys[-1])
        if complaints_of(schema, spoilt):
            yield Spoilt(_text(keys), f"without {_text(keys)}", spoilt, bool(field.alternative))


def mistyped(schema: Schema, config: Mapping[str, Any]) -> Iterator[Spoilt]:
    """Yield the configuration with a value of a wrong JSON type in each field, also in those that it leaves out."""
    done: set[str] = set()  # alternatives may share a field
    for field in fields_of(schema):
        keys = located(config, field.path)
        if keys is None or field.path in done:
            continue
        for wrong in _WRONG:
            spoilt = deepcopy(dict(config))
            within(spoilt, keys)[keys[-1]] = wrong
            if not _allows(field, wrong) and complaints_of(schema, spoilt):
                kind = "an object" if isinstance(wrong, dict) else "a list" if isinstance(wrong, list) else "a text"
                yield Spoilt(_text(keys), f"with {kind} as {_text(keys)}", spoilt, bool(field.alternative))
                done.add(field.path)
                break


def names(reported: Mapping[str, str], spoilt: Spoilt) -> bool:
    """Say whether one of the paths that BadRequest names is that of the spoilt field, or within it."""
    wanted = _normal(spoilt.path)
    for path in map(_normal, reported):
        if path == wanted or path.startswith(f"{wanted}."):
            return True
        if spoilt.one_of_several and path and wanted.startswith(f"{path}."):
            return True
    return False


def located(config: Any, path: str) -> _Keys | None:
    """Find where a path of the schema lies in a configuration, in the first item of lists; None without a parent."""
    keys: _Keys = []
    here = config
    *parents, last = path.replace("[]", ".[]").split(".")
    for part in parents:
        key = 0 if part == "[]" else part
        try:
            here = here[key]
        except (KeyError, IndexError, TypeError):
            return None
        keys.append(key)
    return [*keys, last] if isinstance(here, dict) else None


def within(config: Any, keys: _Keys) -> Any:
    """Return the object that holds the last of the keys."""
    for key in keys[:-1]:
        config = config[key]
    return config


def _allows(field: SchemaField, value: Any) -> bool:
    kind = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string"
    return kind in field.types


def _text(keys: _Keys) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _normal(path: str) -> str:
    """Write a path one way, however it was written: dots only, without a leading `$`."""
    return re.sub(r"\[['\"]?([^\]'\"]*)['\"]?\]", r".\1", path).removeprefix("$").strip(".")
