"""Writes down who changes what, and who looks at rows, and shows it.

The caller of a call is the same through all that is done for it, so it is not handed from function to function: the
guard names it once, and `record` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

from towpath_server.domain.access import Caller
from towpath_server.domain.audit import AuditEvent
from towpath_server.domain.ids import new_id
from towpath_server.domain.pages import page_size, page_start, page_token
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Records, Store

__all__ = ["AuditTrail", "caller", "calling", "record"]

calling: ContextVar[Caller] = ContextVar("calling")
"""Who makes the call that this task serves; set by the guard."""


def caller() -> Caller:
    """Return who makes the present call. Raises LookupError outside of a call."""
    return calling.get()


async def record(records: Records, action: str, resource: str, **details: str) -> None:
    """Store, in the transaction of a change where it is one, that the caller did `action` to `resource`."""
    await records.audit.add(AuditEvent(new_id(), now(), caller(), action, resource, details))


class AuditTrail:
    """Events, newest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, resource: str, actor: str, size: int, token: str) -> tuple[Sequence[AuditEvent], str]:
        """Return events of a resource and an actor (empty: of all), newest first, and the token of the next page."""
        listing = f"audit events of {resource or 'all'} by {actor or 'all'}"
        limit, start = page_size(size), page_start(listing, token)
        async with self._store.read() as records:
            found = await records.audit.page(resource, actor, start, limit + 1)
        return found[:limit], page_token(listing, found[limit - 1].id) if len(found) > limit else ""
