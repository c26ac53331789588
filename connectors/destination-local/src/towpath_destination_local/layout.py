"""Where everything lies below the folder. Values in, paths out; no I/O.

path/
├── public/orders/*.parquet                   what readers see
└── _towpath/
    ├── lock                                  held by whoever changes something; see `locks`
    ├── streams/=public/=orders.json          the stream's manifest
    ├── streams/=public/=orders/*.base        with upserts into text: the same rows as Parquet
    ├── writes/w5d41402abc4b/                 what a job has staged, and its fences
    └── trash/                                folders that are about to be deleted
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from towpath_sdk import Misconfigured, StreamName

__all__ = ["RESERVED", "STAGED", "Layout", "stream_token", "write_token", "writer_token"]

RESERVED = "_towpath"
"""The folder that holds what Towpath itself needs to remember."""
STAGED = ".staged"
"""Ending of files that nobody is to see, so that no pattern for visible files meets them."""

_BASE = ".base"
_SAFE = " !$&'()+,-.;@_="
_LONGEST_NAME = 240  # of the 255 bytes that file systems allow; the rest is for endings


@dataclass(frozen=True)
class Layout:
    """The folder of one configuration."""

    root: Path

    @property
    def lock(self) -> Path:
        """The lock of the whole folder."""
        return self.root / RESERVED / "lock"

    @property
    def manifests(self) -> Path:
        """The folder of all manifests."""
        return self.root / RESERVED / "streams"

    @property
    def writes(self) -> Path:
        """The folder of everything staged."""
        return self.root / RESERVED / "writes"

    @property
    def trash(self) -> Path:
        """Where folders are moved that are about to be deleted."""
        return self.root / RESERVED / "trash"

    def stream(self, name: StreamName) -> Path:
        """The folder of a stream's visible files. Raises Misconfigured when a name is too long for a folder."""
        folder = self.root / _folder(name.namespace) if name.namespace else self.root
        return folder / _folder(name.name)

    def manifest(self, name: StreamName) -> Path:
        """The manifest of a stream; "=" keeps an empty namespace from looking like a stream."""
        return self.manifests / f"={_quoted(name.namespace)}" / f"={_quoted(name.name)}.json"

    def base(self, name: StreamName, visible: str) -> Path:
        """The Parquet file that lies behind a visible file of text."""
        return self.manifest(name).with_suffix("") / f"{visible}{_BASE}"

    def write(self, write_id: str) -> Path:
        """The folder of one write."""
        return self.writes / write_token(write_id)


def write_token(write_id: str) -> str:
    """Name a write within file names."""
    return "w" + hashlib.sha256(write_id.encode()).hexdigest()[:12]


def writer_token(writer_id: str) -> str:
    """Tell the writers of one write apart within file names."""
    return hashlib.sha256(writer_id.encode()).hexdigest()[:8]


def stream_token(name: StreamName) -> str:
    """Tell the streams of one write apart within file names."""
    return hashlib.sha256(f"{_quoted(name.namespace)}/{_quoted(name.name)}".encode()).hexdigest()[:8]


def _folder(part: str) -> str:
    """Keep a name from being taken for a folder of another meaning."""
    if part in (".", ".."):
        return part.replace(".", "%2E")
    quoted = _quoted(part)
    return quoted.replace("_", "%5F", 1) if quoted == RESERVED else quoted


def _quoted(part: str) -> str:
    """Percent-encode what would change the path."""
    quoted = quote(part, safe=_SAFE)
    if len(quoted) > _LONGEST_NAME:
        raise Misconfigured(
            f"the name {part[:40]}… takes more than {_LONGEST_NAME} bytes, which is too long for a folder's",
            reason="NAME_TOO_LONG",
        )
    return quoted
