"""Tokens, callers and events of the audit trail."""

from __future__ import annotations

from towpath.control.v1 import audit_pb2, tokens_pb2

from towpath_server.domain.access import ApiToken, Caller, TokenRole
from towpath_server.domain.audit import AuditEvent
from towpath_server.wire.common import time_to

__all__ = ["caller_to", "event_to", "role_from", "token_to"]


def role_from(value: int) -> TokenRole | None:
    """Decode a role; None for one that is not set or not known."""
    return {int(role): role for role in TokenRole}.get(value)


def token_to(token: ApiToken) -> tokens_pb2.Token:
    """Encode a token; there is no secret in it."""
    return tokens_pb2.Token(
        name=token.name,
        role=f"ROLE_{token.role.name}",
        description=token.description,
        creator=token.creator,
        create_time=time_to(token.create_time),
        expire_time=time_to(token.expire_time),
        revoke_time=time_to(token.revoke_time),
    )


def caller_to(caller: Caller, *, token_required: bool) -> tokens_pb2.WhoAmIResponse:
    """Encode who calls."""
    return tokens_pb2.WhoAmIResponse(
        actor=caller.name,
        role=f"ROLE_{caller.role.name}",
        expire_time=time_to(caller.expire_time),
        token_required=token_required,
    )


def event_to(event: AuditEvent) -> audit_pb2.AuditEvent:
    """Encode an event."""
    return audit_pb2.AuditEvent(
        name=event.name,
        time=time_to(event.time),
        actor=event.caller.name,
        role=f"ROLE_{event.caller.role.name}",
        action=event.action,
        resource=event.resource,
        details=event.details,
        peer=event.caller.peer,
    )
