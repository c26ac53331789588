"""Makes, shows and revokes API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.access import ApiToken, TokenRole, hash_of, new_secret
from towpath_server.domain.names import check_id
from towpath_server.domain.pages import page_size, page_start, page_token
from towpath_server.use_cases.audit import caller, record
from towpath_server.use_cases.problems import no_such
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Store

__all__ = ["Tokens"]

_LONGEST_DESCRIPTION = 200
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=36_500)


class Tokens:
    """Tokens that open the API."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(
        self, identifier: str, role: TokenRole | None, description: str, ttl: timedelta | None
    ) -> tuple[ApiToken, str]:
        """Make a token, good for `ttl` or, with None, until it is revoked; returns it and its secret."""
        check_id("token_id", identifier)
        if role is None:
            problem = "choose viewer, editor, admin or worker"
            raise Misconfigured(f"token.role: {problem}", reason="INVALID_ROLE", fields={"token.role": problem})
        if len(description) > _LONGEST_DESCRIPTION or not description.isprintable():
            problem = f"use at most {_LONGEST_DESCRIPTION} printable characters"
            raise Misconfigured(
                f"token.description: {problem}", reason="INVALID_DESCRIPTION", fields={"token.description": problem}
            )
        if ttl is not None and not _SHORTEST <= ttl <= _LONGEST:
            problem = "use 1 second to 100 years, or leave it out"
            raise Misconfigured(f"ttl: {problem}", reason="INVALID_TTL", fields={"ttl": problem})
        secret, time = new_secret(), now()
        token = ApiToken(
            id=identifier,
            role=role,
            description=description,
            hash=hash_of(secret),
            creator=caller().name,
            create_time=time,
            expire_time=None if ttl is None else time + ttl,
            revoke_time=None,
        )
        async with self._store.write() as records:
            await records.tokens.add(token)
            details = {} if token.expire_time is None else {"expires": token.expire_time.isoformat(timespec="seconds")}
            await record(records, "create", token.name, role=role.name.lower(), **details)
        return token, secret

    async def get(self, identifier: str) -> ApiToken:
        """Return a token. Raises NotFound."""
        async with self._store.read() as records:
            token = await records.tokens.find(identifier)
        if token is None:
            raise no_such(f"tokens/{identifier}")
        return token

    async def page(self, size: int, token: str) -> tuple[Sequence[ApiToken], str]:
        """Return tokens by id, and the token of the next page."""
        limit, start = page_size(size), page_start("tokens", token)
        async with self._store.read() as records:
            found = await records.tokens.page(start, limit + 1)
        return found[:limit], page_token("tokens", found[limit - 1].id) if len(found) > limit else ""

    async def revoke(self, identifier: str) -> ApiToken:
        """End a token for good; one that was revoked stays as it is."""
        async with self._store.write() as records:
            token = await records.tokens.find(identifier, lock=True)
            if token is None:
                raise no_such(f"tokens/{identifier}")
            if token.revoke_time is not None:
                return token
            token = replace(token, revoke_time=now())
            await records.tokens.save(token)
            await record(records, "revoke", token.name)
        return token
