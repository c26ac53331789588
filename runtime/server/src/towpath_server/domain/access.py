"""Who calls, as what, and the tokens that say so. Of a token's secret only a hash is ever kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

__all__ = ["ANONYMOUS", "ApiToken", "Caller", "TokenRole", "fingerprint", "hash_of", "new_secret"]

ANONYMOUS = "anonymous"
"""Name of a caller where the server asks for no token."""

_PREFIX = "towpath_"
"""By which people, and programs that look for leaked secrets, know what it is."""


class TokenRole(IntEnum):
    """What a token opens; the numbers are those of towpath.control.v1.Token.Role."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3
    WORKER = 4


@dataclass(frozen=True)
class Caller:
    """Whoever makes a call: `name` is what the audit trail says, `peer` a network address, empty when there is none."""

    name: str
    role: TokenRole
    expire_time: datetime | None = None
    peer: str = ""


@dataclass(frozen=True)
class ApiToken:
    """A token without its secret; `hash` is what `hash_of` makes of that. Times are UTC."""

    id: str
    role: TokenRole
    description: str
    hash: str
    creator: str
    create_time: datetime
    expire_time: datetime | None
    revoke_time: datetime | None

    @property
    def name(self) -> str:
        """Resource name."""
        return f"tokens/{self.id}"

    def expired(self, now: datetime) -> bool:
        """Say whether its time is over."""
        return self.expire_time is not None and self.expire_time <= now


def new_secret() -> str:
    """Return a secret of 256 random bits, which nobody guesses, so that a plain hash of it is enough."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return the SHA-256 of a secret, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def fingerprint(secret: str) -> str:
    """Return what may be shown of a secret: enough to tell one from another, too little to find it."""
    return hash_of(f"fingerprint of {secret}")[:8]
