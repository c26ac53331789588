"""towpath.control.v1.TokenService."""

from __future__ import annotations

from towpath.control.v1 import tokens_pb2, tokens_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.domain.names import id_of
from towpath_server.use_cases.audit import caller
from towpath_server.use_cases.tokens import Tokens
from towpath_server.wire.access import caller_to, role_from, token_to

__all__ = ["TokenService"]


class TokenService(tokens_pb2_grpc.TokenServiceServicer):
    """Keeps API tokens."""

    def __init__(self, tokens: Tokens, *, token_required: bool) -> None:
        self._tokens = tokens
        self._token_required = token_required

    async def WhoAmI(self, request: tokens_pb2.WhoAmIRequest, context: Context) -> tokens_pb2.WhoAmIResponse:
        """Say as whom the caller is taken."""
        return caller_to(caller(), token_required=self._token_required)

    async def CreateToken(
        self, request: tokens_pb2.CreateTokenRequest, context: Context
    ) -> tokens_pb2.CreateTokenResponse:
        """Make a token and tell its secret."""
        token, secret = await self._tokens.create(
            request.token_id,
            role_from(request.token.role),
            request.token.description,
            request.ttl.ToTimedelta() if request.HasField("ttl") else None,
        )
        return tokens_pb2.CreateTokenResponse(token=token_to(token), secret=secret)

    async def GetToken(self, request: tokens_pb2.GetTokenRequest, context: Context) -> tokens_pb2.GetTokenResponse:
        """Return one token."""
        return tokens_pb2.GetTokenResponse(token=token_to(await self._tokens.get(id_of("tokens", request.name))))

    async def ListTokens(
        self, request: tokens_pb2.ListTokensRequest, context: Context
    ) -> tokens_pb2.ListTokensResponse:
        """Return a page of tokens."""
        page, following = await self._tokens.page(request.page_size, request.page_token)
        return tokens_pb2.ListTokensResponse(tokens=map(token_to, page), next_page_token=following)

    async def RevokeToken(
        self, request: tokens_pb2.RevokeTokenRequest, context: Context
    ) -> tokens_pb2.RevokeTokenResponse:
        """End a token."""
        return tokens_pb2.RevokeTokenResponse(token=token_to(await self._tokens.revoke(id_of("tokens", request.name))))
