"""Names as SQL writes them, for statements that people are told to run."""

from __future__ import annotations

import re

__all__ = ["quoted"]

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def quoted(*parts: str) -> str:
    """Return a possibly qualified name, each part in quotes where it is not plain."""
    return ".".join(
        part if _PLAIN.fullmatch(part) else '"{}"'.format(part.replace('"', '""')) for part in parts if part
    )
