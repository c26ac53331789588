"""Resource names such as `connections/orders`, and the ids in them."""

from __future__ import annotations

import re

from towpath_sdk.errors import Misconfigured

__all__ = ["check_id", "id_of"]

_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,62})")
_ANY_ID = re.compile(r"[a-z0-9-]{1,63}")
"""Those of jobs, which the server makes, begin with a digit."""


def check_id(field: str, value: str) -> str:
    """Return `value` if it is a valid id: 1 to 63 lower-case letters, digits and hyphens, starting with a letter.

    Raises Misconfigured naming `field` when it is not.
    """
    if _ID.fullmatch(value):
        return value
    problem = "use 1 to 63 lower-case letters, digits and hyphens, starting with a letter"
    raise Misconfigured(f"{field} is not a valid id", reason="INVALID_ID", fields={field: problem})


def id_of(collection: str, name: str, field: str = "name") -> str:
    """Return the id within the resource name `{collection}/{id}`.

    Raises Misconfigured naming `field` when `name` is not of that form.
    """
    prefix, _, identifier = name.partition("/")
    if prefix == collection and _ANY_ID.fullmatch(identifier):
        return identifier
    problem = f"a resource name like `{collection}/my-id` is wanted"
    raise Misconfigured(
        f"{field} is not the name of one of the {collection}", reason="INVALID_NAME", fields={field: problem}
    )
