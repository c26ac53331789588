"""Tokens, callers and the audit trail in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.text import Text
from towpath.control.v1.audit_pb2 import AuditEvent
from towpath.control.v1.tokens_pb2 import CreateTokenResponse, Token, WhoAmIResponse

from towpath_cli.names import short_name
from towpath_cli.render.listing import Cell, details, listing, stacked
from towpath_cli.render.times import moment

__all__ = ["caller", "events", "new_token", "token_details", "tokens"]


def tokens(found: Sequence[Token]) -> RenderableType:
    """List tokens."""
    rows: list[tuple[Cell, ...]] = [
        (
            short_name(token.name),
            _role(token.role),
            _state(token),
            moment(token.create_time),
            moment(token.expire_time) or "never",
            token.creator,
            token.description,
        )
        for token in found
    ]
    return listing(
        ("TOKEN", "ROLE", "STATE", "CREATED", "EXPIRES", "BY", "DESCRIPTION"),
        rows,
        empty="no tokens; see `towpath tokens create --help`",
    )


def token_details(token: Token) -> RenderableType:
    """Show a token."""
    return details(
        [
            ("Token", token.name),
            ("Role", _role(token.role)),
            ("State", _state(token)),
            ("Description", token.description),
            ("Created", f"{moment(token.create_time)} by {token.creator}"),
            ("Expires", moment(token.expire_time) or "never"),
            ("Revoked", moment(token.revoke_time)),
        ]
    )


def new_token(made: CreateTokenResponse) -> RenderableType:
    """Show a token that was just made, with its secret."""
    return stacked(
        token_details(made.token), Text(made.secret), Text("Keep it now: it is never shown again.", style="yellow")
    )


def caller(seen: WhoAmIResponse) -> RenderableType:
    """Show as whom one is taken."""
    return details(
        [
            ("Name", seen.actor),
            ("Role", _role(seen.role)),
            ("Expires", moment(seen.expire_time)),
            ("", "" if seen.token_required else "this server asks for no token"),
        ]
    )


def events(found: Sequence[AuditEvent]) -> RenderableType:
    """List events of the audit trail."""
    rows = [
        (
            moment(event.time),
            event.actor,
            event.action,
            event.resource,
            ", ".join(f"{name}={value}" for name, value in sorted(event.details.items())),
            event.peer,
        )
        for event in found
    ]
    return listing(("TIME", "WHO", "DID", "TO", "DETAILS", "FROM"), rows, empty="nothing was changed yet")


def _role(role: Token.Role) -> str:
    return Token.Role.Name(role).removeprefix("ROLE_").lower()


def _state(token: Token) -> Text:
    if token.HasField("revoke_time"):
        return Text("revoked", style="red")
    if token.HasField("expire_time") and token.expire_time.ToDatetime(tzinfo=UTC) <= datetime.now(UTC):
        return Text("expired", style="yellow")
    return Text("good", style="green")
