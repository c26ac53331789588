"""A stream's manifest: which files are visible, of which generation, and a publication that is under way.

A publication is decided by replacing the manifest, which is atomic. What it takes to carry the decision out stands in
the manifest too, so that whoever comes next can finish it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from towpath_sdk import Bug, StreamName

from towpath_destination_local.disk import replace_file

__all__ = ["Manifest", "Pending", "VisibleFile", "read_manifest", "write_manifest"]

_VERSION = 1
_REMEMBERED_WRITES = 200


@dataclass(frozen=True)
class VisibleFile:
    """One file of a stream. `key` is set when its rows are unique by that primary key, across all such files."""

    name: str
    generation: int
    rows: int
    bytes: int
    key: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Pending:
    """What is left to do: staged files of a write to rename to visible names, then visible ones to remove."""

    write: str
    stream: StreamName
    moves: Sequence[tuple[str, str]] = ()
    remove: Sequence[str] = ()


@dataclass(frozen=True)
class Manifest:
    """What is known of a stream. `writes` are tokens of the last publications, newest last."""

    files: Sequence[VisibleFile] = ()
    writes: Sequence[str] = ()
    pending: Pending | None = None

    def published(self, write: str, files: Sequence[VisibleFile], pending: Pending) -> Manifest:
        """This manifest after the decision to publish a write."""
        return Manifest(files, [*self.writes, write][-_REMEMBERED_WRITES:], pending)

    def settled(self) -> Manifest:
        """This manifest once its publication is carried out."""
        return replace(self, pending=None)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; an empty one when there is none. Raises Bug for what is no manifest of ours."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content["version"] != _VERSION:
            raise ValueError(content["version"])
        pending = content["pending"]
        return Manifest(
            files=[VisibleFile(**{**file, "key": _key(file["key"])}) for file in content["files"]],
            writes=[str(write) for write in content["writes"]],
            pending=None
            if pending is None
            else Pending(
                str(pending["write"]),
                StreamName(**pending["stream"]),
                [(str(a), str(b)) for a, b in pending["moves"]],
                [*map(str, pending["remove"])],
            ),
        )
    except FileNotFoundError:
        return Manifest()
    except (ValueError, KeyError, TypeError) as error:
        raise Bug(f"{path} is no manifest of this connector; remove it", reason="STRANGE_MANIFEST") from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace a manifest, durably."""
    content = {"version": _VERSION, **asdict(manifest)}
    replace_file(path, json.dumps(content, indent=1, ensure_ascii=False).encode())


def _key(key: Any) -> tuple[str, ...] | None:
    return None if key is None else tuple(map(str, key))
