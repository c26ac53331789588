"""Redaction by value: whatever contains a secret, in any of its usual spellings, is masked."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "MIN_SECRET_LENGTH", "KnownSecrets", "Redactor"]

MASK = "***"
"""What stands in the place of a secret."""
MIN_SECRET_LENGTH = 4
"""Shorter secrets are not looked for: they would mask half of every text and protect nothing."""

_MIN_LINE_LENGTH = 16
_MAX_SECRETS = 2000


class Redactor:
    """Masks a set of secrets. Immutable; safe to use from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH)
        spellings = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._needles = tuple(spelling.encode() for spelling in longest_first)
        self.longest = len(longest_first[0]) if longest_first else 0
        """Characters of the longest spelling: what is cut closer to its end than this may cut a secret in two."""

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that are looked for."""
        return self._secrets

    def redact(self, text: str) -> str:
        """Return the text with every secret replaced by `MASK`."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def finds_secret_in(self, data: bytes) -> bool:
        """Say whether the bytes contain a secret; for what cannot be masked, such as states."""
        return any(needle in data for needle in self._needles)

    def __or__(self, other: Redactor) -> Redactor:
        """Return a redactor of the secrets of both."""
        if other._secrets <= self._secrets:
            return self
        return Redactor(self._secrets | other._secrets)

    def __repr__(self) -> str:
        """Say how many secrets there are, and none of them."""
        return f"Redactor({len(self._secrets)} secrets)"


class KnownSecrets:
    """Every secret that this process was given, also after the call that brought it: logs are written late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: OrderedDict[str, None] = OrderedDict()
        self._redactor = Redactor()

    def remember(self, redactor: Redactor) -> None:
        """Redact these secrets from now on; of very many, the oldest are forgotten."""
        with self._lock:
            new = redactor.secrets - self._secrets.keys()
            for secret in redactor.secrets:
                self._secrets[secret] = None
                self._secrets.move_to_end(secret)
            while len(self._secrets) > _MAX_SECRETS:
                self._secrets.popitem(last=False)
            if new:
                self._redactor = Redactor(self._secrets)

    def redact(self, text: str) -> str:
        """Mask every known secret."""
        return self._redactor.redact(text)

    @property
    def longest(self) -> int:
        """Characters of the longest spelling of a secret."""
        return self._redactor.longest


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield from _base64_spellings(secret.encode())
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _MIN_LINE_LENGTH)


def _base64_spellings(secret: bytes) -> Iterable[str]:
    """Base64 at each of the three alignments, as inside of `user:password`, less what depends on the neighbours."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode()
        for before in range(3):
            encoded = encode(b"\0" * before + secret).decode().rstrip("=")
            first = (0, 2, 3)[before]
            last = len(encoded) if (before + len(secret)) % 3 == 0 else len(encoded) - 1
            core = encoded[first:last]
            if len(core) >= 2 * MIN_SECRET_LENGTH:
                yield core
