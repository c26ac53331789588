"""Tokens of each role, for tests of who may do what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server_bench import Api
from towpath.control.v1 import tokens_pb2

ADMIN, WORKER = "the-operators-token", "the-workers-token"
"""Tokens of the files that a server is started with."""

ROLES = ("viewer", "editor", "admin", "worker")


def bearer(secret: str) -> Sequence[tuple[str, str]]:
    """Return the metadata that carries a token."""
    return (("authorization", f"Bearer {secret}"),)


async def make_token(
    api: Api, identifier: str, role: str, *, secret: str = ADMIN, **values: object
) -> tokens_pb2.CreateTokenResponse:
    """Make a token of a role, as the caller with `secret`."""
    request = tokens_pb2.CreateTokenRequest(
        token_id=identifier,
        token=tokens_pb2.Token(role=f"ROLE_{role.upper()}"),
        **values,  # pyright: ignore[reportArgumentType]
    )
    return await api.tokens.CreateToken(request, metadata=tuple(bearer(secret)))


async def make_every_role(api: Api) -> Mapping[str, str]:
    """Make a token of each role; returns the secrets by role."""
    return {role: (await make_token(api, f"a-{role}", role)).secret for role in ROLES}
