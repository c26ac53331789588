"""What all methods have in common: repetition by request_id, etags, update masks, the time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from towpath_sdk.errors import Misconfigured

from towpath_server.use_cases.problems import Outdated
from towpath_server.use_cases.store import Records

__all__ = ["check_etag", "fields_to_change", "now", "remember", "served_before"]

_LONGEST_REQUEST_ID = 128


def now() -> datetime:
    """Return the present time, UTC."""
    return datetime.now(UTC)


async def served_before(records: Records, method: str, request_id: str, subject: str) -> str | None:
    """Return the resource that a request made when it was served before; None when it is new, or has no request_id.

    Raises Misconfigured when the same request_id came with another `subject`.
    """
    if not request_id:
        return None
    if len(request_id) > _LONGEST_REQUEST_ID or not request_id.isprintable():
        problem = f"use at most {_LONGEST_REQUEST_ID} printable characters"
        raise Misconfigured("request_id is not valid", reason="INVALID_REQUEST_ID", fields={"request_id": problem})
    found = await records.requests.find(method, request_id)
    if found is None:
        return None
    known_subject, resource = found
    if known_subject != subject:
        problem = f"was used for {known_subject}; choose a new one"
        raise Misconfigured("request_id was used before", reason="REQUEST_ID_REUSED", fields={"request_id": problem})
    return resource


async def remember(records: Records, method: str, request_id: str, subject: str, resource: str) -> None:
    """Remember that a request made `resource`; nothing happens when it has no request_id."""
    if request_id:
        await records.requests.add(method, request_id, subject, resource, now())


def check_etag(name: str, given: str, stored: str) -> None:
    """Raise Outdated when `given` is neither empty nor `stored`."""
    if given and given != stored:
        raise Outdated(name)


def fields_to_change(mask: Sequence[str], changeable: Collection[str], fixed: Collection[str] = ()) -> frozenset[str]:
    """Return the fields that an update changes; an empty mask, or "*", means all that can be changed.

    Fields in `fixed` may be named too, and are then to be compared by the caller: naming what stays as it is does no
    harm. A path into a field counts as the field. Raises Misconfigured for any other path.
    """
    if not mask or list(mask) == ["*"]:
        return frozenset(changeable)
    roots = {path.partition(".")[0] for path in mask}
    unknown = sorted(roots - set(changeable) - set(fixed))
    if unknown:
        choices = ", ".join(sorted(changeable))
        raise Misconfigured(
            f"update_mask names what cannot be changed: {', '.join(unknown)}",
            reason="INVALID_UPDATE_MASK",
            fields={"update_mask": f"choose out of: {choices}"},
        )
    return frozenset(roots & set(changeable))
