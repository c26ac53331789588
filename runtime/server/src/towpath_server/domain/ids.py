"""Identifiers of jobs and tasks: 26 characters that sort by time of creation (ULID, in lower case)."""

from __future__ import annotations

import secrets
import threading
import time

__all__ = ["new_id", "new_token"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80


class _Clock:
    """Remembers the last identifier, so that the next one is higher also within a millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self) -> int:
        """Return the next identifier as a number of 128 bits."""
        with self._lock:
            value = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
            if value >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
                value = self._last + 1 + secrets.randbelow(1 << 32)
            self._last = value
            return value


_clock = _Clock()


def new_id() -> str:
    """Return a new identifier; those of one process strictly increase, those of several sort by millisecond."""
    value = _clock.tick()
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def new_token() -> str:
    """Return an unguessable token for etags; 16 hexadecimal digits."""
    return secrets.token_hex(8)
