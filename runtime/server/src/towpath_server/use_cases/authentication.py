"""Finds out who calls, from a bearer token: one of the server's own files, or one that the database knows."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from towpath_sdk.errors import Denied, Misconfigured

from towpath_server.domain.access import ANONYMOUS, Caller, TokenRole, fingerprint, hash_of
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Store

__all__ = ["Authentication", "Unauthenticated", "require_admin"]


class Unauthenticated(Denied):
    """No token, or one that is not good (any more); UNAUTHENTICATED on the wire."""


@dataclass(frozen=True)
class _Known:
    """Callers by the secrets of one file."""

    callers: Mapping[str, Caller]

    def find(self, secret: str) -> Caller | None:
        """Return the caller, comparing every secret in full, so that the time taken tells nothing."""
        given, found = secret.encode(), None
        for known, caller in self.callers.items():
            if hmac.compare_digest(given, known.encode()):
                found = caller
        return found


class Authentication:
    """Callers of one server. None instead of a list of secrets lets everybody in; for loopback only."""

    def __init__(self, store: Store, users: Sequence[str] | None, workers: Sequence[str] | None) -> None:
        self._store = store
        self._required = {False: users is not None, True: workers is not None}
        self._known = _Known(
            {
                **{
                    secret: Caller(f"worker-token-file/{fingerprint(secret)}", TokenRole.WORKER)
                    for secret in workers or ()
                },
                **{secret: Caller(f"token-file/{fingerprint(secret)}", TokenRole.ADMIN) for secret in users or ()},
            }
        )

    @property
    def users_need_tokens(self) -> bool:
        """Users are asked for a token."""
        return self._required[False]

    async def identify(self, authorization: str | None, *, worker: bool) -> Caller:
        """Return who sends the header `authorization` to a method for users, or with `worker` to one for workers.

        Raises Unauthenticated. One that needs no token is `anonymous`, and may do everything.
        """
        if not self._required[worker]:
            return Caller(ANONYMOUS, TokenRole.WORKER if worker else TokenRole.ADMIN)
        scheme, _, rest = (authorization or "").partition(" ")
        secret = rest.strip()
        if scheme.lower() != "bearer" or not secret:
            raise _unknown(worker=worker)
        known = self._known.find(secret)
        if known is not None:
            return known
        async with self._store.read() as records:
            token = await records.tokens.of_hash(hash_of(secret))
        if token is None:
            raise _unknown(worker=worker)
        if token.revoke_time is not None:
            raise Unauthenticated(f"{token.name} was revoked; ask an admin for another token", reason="TOKEN_REVOKED")
        if token.expired(now()):
            raise Unauthenticated(f"{token.name} has expired; ask an admin for another token", reason="TOKEN_EXPIRED")
        return Caller(token.name, token.role, token.expire_time)


async def require_admin(store: Store) -> None:
    """Raise Misconfigured when no token of an admin is known: then nobody could ever make one."""
    async with store.read() as records:
        admins = await records.tokens.of_role(TokenRole.ADMIN)
    if all(token.expired(now()) for token in admins):
        raise Misconfigured(
            "nobody could manage this server, because it knows no admin's token: give --token-file (with "
            "--create-token-file it is made), or, on loopback only, --auth off",
            reason="NO_TOKEN",
        )


def _unknown(*, worker: bool) -> Unauthenticated:
    whose = "worker token" if worker else "token"
    return Unauthenticated(
        f"this server asks for its {whose}; send it as `authorization: Bearer …`", reason="UNAUTHENTICATED"
    )
