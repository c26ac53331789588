"""`${NAME}` in configurations: how secrets reach the server without standing in a file or on a command line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from towpath_sdk.errors import Misconfigured

from towpath_cli.json_values import JsonValue

__all__ = ["Expanded", "expand"]

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Expanded:
    """A value with its references replaced, and the paths (such as `config.password`) at which there were any."""

    def __init__(self, value: JsonValue, paths: frozenset[str]) -> None:
        self.value = value
        self.paths = paths


def expand(value: JsonValue, environ: Mapping[str, str], path: str = "") -> Expanded:
    """Replace every `${NAME}` in every text inside `value`; `$${` stands for a literal `${`.

    An environment variable always becomes text, also where it looks like a number. Raises Misconfigured that names each
    variable that is not set and the field that wants it.
    """
    walk = _Walk(environ)
    expanded = walk.visit(value, path)
    if walk.unset:
        names = sorted(set(walk.unset.values()))
        raise Misconfigured(
            f"environment variable {', '.join(names)} is not set; set it, for instance: export {names[0]}=…",
            reason="VARIABLE_NOT_SET",
            fields={field: f"wants ${{{name}}}" for field, name in walk.unset.items()},
        )
    return Expanded(expanded, frozenset(walk.used))


class _Walk:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.used: set[str] = set()
        self.unset: dict[str, str] = {}

    def visit(self, value: JsonValue, path: str) -> JsonValue:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: self._replace(match, path), value)
        if isinstance(value, dict):
            return {key: self.visit(item, f"{path}.{key}" if path else key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.visit(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return value

    def _replace(self, match: re.Match[str], path: str) -> str:
        name = match[1]
        if name is None:
            return "${"
        self.used.add(path)
        if name not in self._environ:
            self.unset[path] = name
            return ""
        return self._environ[name]
