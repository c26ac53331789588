"""From `source-foo` to the names that a package needs."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Literal

from towpath_sdk.errors import Misconfigured

__all__ = ["Names", "names_of"]

_ID = re.compile(r"(source|destination)-([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_LONGEST = 63


@dataclass(frozen=True)
class Names:
    """`id` is source-my-shop; `role` source; `package` source_my_shop; `prefix` MyShop; `title` My Shop."""

    id: str
    role: Literal["source", "destination"]
    package: str
    prefix: str
    title: str


def names_of(identifier: str) -> Names:
    """Derive all names from a connector's id. Raises Misconfigured for an id that is none."""
    found = _ID.fullmatch(identifier)
    if found is None or len(identifier) > _LONGEST:
        raise Misconfigured(
            f"`{identifier}` is no id of a connector: write source-NAME or destination-NAME, in lower case letters, "
            f"digits and hyphens, at most {_LONGEST} characters",
            reason="INVALID_ID",
        )
    words = found[2].split("-")
    package = identifier.replace("-", "_")
    assert not keyword.iskeyword(package)
    role: Literal["source", "destination"] = "source" if found[1] == "source" else "destination"
    return Names(identifier, role, package, "".join(map(str.capitalize, words)), " ".join(map(str.capitalize, words)))
