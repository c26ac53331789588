"""A connector's configuration from the command line: `KEY=VALUE`, files, standard input, prompts for secrets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import yaml
from towpath_sdk.errors import Misconfigured

from towpath_cli.config_schema import is_secret, missing_secrets, types_of
from towpath_cli.environment import expand
from towpath_cli.json_values import JsonObject, JsonValue

__all__ = ["add_assignments", "ask_for_secrets", "config_from_file"]


def config_from_file(path: str, environ: Mapping[str, str]) -> JsonObject:
    """Read a configuration as YAML or JSON from a file, `-` being standard input; `${NAME}` is replaced.

    Raises Misconfigured when it cannot be read, is no mapping, or names a variable that is not set.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}") from error
    value = _yaml(text, "standard input" if path == "-" else path)
    if not isinstance(value, dict):
        raise Misconfigured(f"{path} holds no configuration; write one KEY: VALUE per line")
    expanded = expand(cast("JsonValue", value), environ).value
    assert isinstance(expanded, dict)
    return expanded


def add_assignments(
    config: JsonObject, assignments: Sequence[str], schema: JsonObject, environ: Mapping[str, str]
) -> JsonObject:
    """Return `config` with each `KEY=VALUE` set.

    A key is a path such as `tunnel.host`; the value becomes what the schema wants there: a number, a boolean, a list or
    mapping in JSON, or text. `KEY=@FILE` takes the content of a file, without the newline at its end, and `KEY=${NAME}`
    an environment variable. An empty value of a type other than text removes the key. Raises Misconfigured, also when a
    secret is given in clear: other users of the machine see command lines.
    """
    result = config
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise Misconfigured(f"`{assignment.partition('=')[0]}` is no assignment; write KEY=VALUE")
        result = _set(result, key.split("."), _value(key, text, schema, environ))
    return result


def ask_for_secrets(config: JsonObject, schema: JsonObject, prompt: Callable[[str], str] | None) -> JsonObject:
    """Return `config` with every required secret that it lacks, asked for by `prompt` unless that is None."""
    if prompt is None:
        return config
    return config | {name: prompt(name) for name in missing_secrets(schema, config)}


def _value(key: str, text: str, schema: JsonObject, environ: Mapping[str, str]) -> JsonValue:
    secret = is_secret(schema, key)
    if text.startswith("@"):
        try:
            return Path(text[1:]).expanduser().read_text(encoding="utf-8").removesuffix("\n")
        except OSError as error:
            raise Misconfigured(f"cannot read {text[1:]} for {key}: {error.strerror}") from error
    expanded = expand(text, environ, key)
    if secret and not expanded.paths:
        raise Misconfigured(
            f"`{key}` is a secret, and other users of this machine can see command lines; "
            f"'{key}=${{VARIABLE}}', or leave it out to be asked for it",
            reason="SECRET_ON_COMMAND_LINE",
        )
    assert isinstance(expanded.value, str)
    return _typed(key, expanded.value, types_of(schema, key))


def _typed(key: str, text: str, types: frozenset[str]) -> JsonValue:
    if "string" in types or not types:
        return text
    value = _yaml(text, f"the value of {key}")
    if isinstance(value, float) and types == frozenset({"integer"}):
        raise Misconfigured(f"`{text}` is no whole number", fields={key: "wants a whole number"})
    return cast("JsonValue", value)


def _set(config: JsonObject, path: Sequence[str], value: JsonValue) -> JsonObject:
    key, *rest = path
    if not rest:
        return {name: item for name, item in config.items() if name != key} if value is None else {**config, key: value}
    inside = config.get(key)
    return {**config, key: _set(inside if isinstance(inside, dict) else {}, rest, value)}


def _yaml(text: str, what: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Misconfigured(f"{what}{line}: {error.problem or 'not YAML'}") from error
    except yaml.YAMLError as error:
        raise Misconfigured(f"{what} is not YAML: {error}") from error
