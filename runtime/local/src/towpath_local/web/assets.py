"""The built web client: which files there are, and as what they are served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Asset", "find_assets"]

_FOLDER = Path(__file__).parent.parent / "_web"
"""Filled by `make web-build`, git-ignored, and part of the wheel."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "application/javascript; charset=utf-8",  # one of the types that Envoy compresses unasked
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class Asset:
    """One file: its absolute path on a server, such as `/assets/index-1a2b.js`, where it lies, and its media type."""

    url: str
    file: Path
    media_type: str

    @property
    def immutable(self) -> bool:
        """Whether its name changes with its content, so that browsers may keep it for good."""
        return self.url.startswith("/assets/")


def find_assets(folder: Path = _FOLDER) -> tuple[Asset, ...]:
    """Return all files of the built client, by URL; empty when it was not built. Files of other types are left out."""
    if not (folder / "index.html").is_file():
        return ()
    return tuple(
        Asset("/" + path.relative_to(folder).as_posix(), path, _TYPES[path.suffix])
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _TYPES
    )
