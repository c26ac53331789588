"""Secrets as they leak: canaries to put in their place, and every spelling in which one may come out.

What a connector must never show is looked for as it is, in base64 at each of the three alignments, and encoded for
URLs, JSON and hexadecimal. The judge does not use the SDK's redaction for this, because that is among what is judged.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from towpath_conformance.configs import located, within
from towpath_conformance.schema import Schema, fields_of, secret_texts

__all__ = ["SHORTEST", "Canaried", "Wanted", "canaried", "secrets_in"]

SHORTEST = 8
"""Characters that a secret has at least to be looked for: shorter ones turn up by chance."""


class Wanted:
    """Secrets that are looked for, by what they are: a path of the configuration."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.secrets = dict(secrets)
        self._needles = [
            (needle, f"{name}, {how}") for name, secret in secrets.items() for how, needle in _spellings(secret)
        ]
        self.longest = max((len(needle) for needle, _ in self._needles), default=0)

    def found_in(self, data: bytes | str) -> str:
        """Say which secret is in there and how it is spelt, such as "api_key, in base64"; empty when none is."""
        raw = data.encode() if isinstance(data, str) else data
        return next((what for needle, what in self._needles if needle in raw), "")

    def masked(self, text: str) -> str:
        """Leave out what is secret, whole text by whole text: a leak is told of without another one."""
        return "***" if self.found_in(text) else text

    def __or__(self, other: Wanted) -> Wanted:
        """Return both."""
        return Wanted({**self.secrets, **other.secrets})


@dataclass(frozen=True)
class Canaried:
    """A configuration with canaries for secrets, as it travels; `what` says so, for messages."""

    what: str
    config_json: str


def secrets_in(schema: Schema, config: Mapping[str, Any]) -> dict[str, str]:
    """The secrets of a configuration that can be told from anything else, by their paths.

    Left out is what is shorter than `SHORTEST`, and what the configuration or its schema says in another place, too.
    """
    paths = {_at(config, keys): path for path, keys in _secret_places(schema, config)}
    everywhere = json.dumps([config, schema], ensure_ascii=False)
    texts = dict.fromkeys(secret_texts(schema, config))
    return {
        paths.get(text, "a secret"): text
        for text in texts
        if len(text) >= SHORTEST and everywhere.count(json.dumps(text, ensure_ascii=False)[1:-1]) == 1
    }


def canaried(schema: Schema, config: Mapping[str, Any], chance: random.Random) -> tuple[Wanted, Sequence[Canaried]]:
    """Put a canary in the place of every secret, in ways that a connector refuses at different points.

    Empty where the schema declares no secret.
    """
    places = list(_secret_places(schema, config))
    canaries = {path: _canary(chance) for path, _ in places}

    def with_canaries(shape: Callable[[str], Any] = str, *, only_given: bool = False) -> dict[str, Any]:
        copy: dict[str, Any] = deepcopy(dict(config))
        for path, keys in places:
            if not only_given or _at(config, keys) is not None:
                within(copy, keys)[keys[-1]] = shape(canaries[path])
        return copy

    if not places:
        return Wanted({}), ()
    everywhere = with_canaries()
    spoilt: dict[str, Any] = {
        "with wrong secrets": with_canaries(only_given=True),
        "with a secret in every field for one": everywhere,
        "with an object for a secret": with_canaries(lambda canary: {"value": canary}),
        "with a list for a secret": with_canaries(lambda canary: [canary, canary]),
        "with wrong secrets and an unknown field": {**everywhere, "conformance_unknown": 1},
    }
    tries = [Canaried(what, json.dumps(each)) for what, each in spoilt.items()]
    tries.append(Canaried("with JSON that is cut off within a secret", _cut_off(everywhere, canaries)))
    return Wanted(canaries), tries


def _cut_off(config: Mapping[str, Any], canaries: Mapping[str, str]) -> str:
    text = json.dumps(config)
    return text[: max(text.find(canary) + len(canary) for canary in canaries.values())]


def _canary(chance: random.Random) -> str:
    """A secret that no chance brings about, and that looks different in each spelling."""
    return f"canary/{chance.getrandbits(64):x}+{chance.getrandbits(64):x}&="


def _secret_places(schema: Schema, config: Mapping[str, Any]) -> Iterator[tuple[str, list[str | int]]]:
    for field in fields_of(schema):
        keys = located(config, field.path) if field.secret else None
        if keys is not None:
            yield field.path, keys


def _at(config: Any, keys: list[str | int]) -> Any:
    value = within(config, keys).get(keys[-1])
    return value if isinstance(value, str | int | float) else None


def _spellings(secret: str) -> Iterable[tuple[str, bytes]]:
    raw = secret.encode()
    yield "as it is", raw
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield "encoded for URLs", quoted.encode()
        yield "encoded for URLs", _lower_escapes(quoted).encode()
    for ascii_only in (True, False):
        yield "escaped for JSON", json.dumps(secret, ensure_ascii=ascii_only)[1:-1].encode()
    yield "in hexadecimal", raw.hex().encode()
    yield "in hexadecimal", raw.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(bytes(before) + raw)
            whole = (before + len(raw)) * 8 // 6  # the last character may depend on what follows
            yield "in base64", encoded[(0, 2, 3)[before] : whole]


def _lower_escapes(quoted: str) -> str:
    first, *parts = quoted.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in parts)])
