"""Page sizes and page tokens. A token names the last item sent, so that pages stay right while rows come and go."""

from __future__ import annotations

import base64
import binascii
import json

from towpath_sdk.errors import Misconfigured

__all__ = ["page_size", "page_start", "page_token"]

_USUAL = 100
_MOST = 1000


def page_size(asked: int) -> int:
    """Return how many items a page holds: 0 means 100, above 1,000 means 1,000. Raises Misconfigured below 0."""
    if asked < 0:
        raise Misconfigured("page_size is negative", reason="INVALID_PAGE", fields={"page_size": "use 0 to 1000"})
    return min(asked or _USUAL, _MOST)


def page_token(listing: str, last: str) -> str:
    """Return the token of the page after `last`; `listing` names what is listed, its filters included."""
    text = json.dumps([listing, last], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def page_start(listing: str, token: str) -> str:
    """Return the item after which a page begins; empty for the first page.

    Raises Misconfigured when the token was not made by `page_token` for the same listing.
    """
    if not token:
        return ""
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        parts = None
    match parts:
        case [str(made_for), str(last)] if made_for == listing:
            return last
        case _:
            problem = "not a token of this list; start again without one"
            raise Misconfigured("page_token is not valid", reason="INVALID_PAGE", fields={"page_token": problem})
