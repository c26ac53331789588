"""Calls of TokenService and AuditService."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from google.protobuf.duration_pb2 import Duration
from towpath.control.v1 import audit_pb2, tokens_pb2
from towpath.control.v1.audit_pb2_grpc import AuditServiceStub
from towpath.control.v1.tokens_pb2_grpc import TokenServiceStub

from towpath_cli.client.wire import Wire
from towpath_cli.names import resource_name, short_name

__all__ = ["Audit", "Tokens"]


class Tokens:
    """API tokens."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = TokenServiceStub(wire.channel)

    def who_am_i(self) -> tokens_pb2.WhoAmIResponse:
        """Return as whom the server takes this client."""
        return self._wire.call(self._stub.WhoAmI, tokens_pb2.WhoAmIRequest())

    def all(self) -> Iterator[tokens_pb2.Token]:
        """Yield all, by name."""
        token = ""
        while True:
            page = self._wire.call(self._stub.ListTokens, tokens_pb2.ListTokensRequest(page_token=token))
            yield from page.tokens
            token = page.next_page_token
            if not token:
                return

    def get(self, name: str) -> tokens_pb2.Token:
        """Return one. Raises NotFound."""
        request = tokens_pb2.GetTokenRequest(name=resource_name("tokens", name))
        return self._wire.call(self._stub.GetToken, request).token

    def create(
        self, name: str, role: str, description: str = "", ttl: timedelta | None = None
    ) -> tokens_pb2.CreateTokenResponse:
        """Make a token of the role viewer, editor, admin or worker; only this answer holds its secret."""
        request = tokens_pb2.CreateTokenRequest(
            token_id=short_name(resource_name("tokens", name)),
            token=tokens_pb2.Token(role=f"ROLE_{role.upper()}", description=description),
        )
        if ttl is not None:
            lifetime = Duration()
            lifetime.FromTimedelta(ttl)
            request.ttl.CopyFrom(lifetime)
        return self._wire.call(self._stub.CreateToken, request)

    def revoke(self, name: str) -> tokens_pb2.Token:
        """End a token for good. Raises NotFound."""
        request = tokens_pb2.RevokeTokenRequest(name=resource_name("tokens", name))
        return self._wire.call(self._stub.RevokeToken, request).token


class Audit:
    """The audit trail."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = AuditServiceStub(wire.channel)

    def latest(self, limit: int, resource: str = "", actor: str = "") -> list[audit_pb2.AuditEvent]:
        """Return up to `limit` events, newest first, of a resource and an actor where they are given."""
        return list(islice(self._events(min(limit, 1000), resource, actor), limit))

    def _events(self, size: int, resource: str, actor: str) -> Iterator[audit_pb2.AuditEvent]:
        request = audit_pb2.ListAuditEventsRequest(resource=resource, actor=actor, page_size=size)
        while True:
            page = self._wire.call(self._stub.ListAuditEvents, request)
            yield from page.events
            request.page_token = page.next_page_token
            if not request.page_token:
                return
