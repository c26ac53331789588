"""A stream's manifest: which files are visible, of which generation, and a publication that is under way.

A publication is decided by replacing the manifest, which is atomic. What it takes to carry the decision out stands in
the manifest too, so that whoever comes next can finish it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from towpath_sdk import Bug

from towpath_destination_local.disk import replace_file

__all__ = ["Manifest", "Pending", "VisibleFile", "read_manifest", "write_manifest"]

_REMEMBERED = 200


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VisibleFile(_Part):
    """One file of a stream.

    `key` is set when its rows are unique by that primary key, across all files of the same key. `has_base` says that
    the same rows lie hidden as Parquet too, because the visible form cannot be read back exactly.
    """

    name: str
    generation: int
    rows: int
    bytes: int
    key: tuple[str, ...] | None = None
    has_base: bool = False


class Pending(_Part):
    """What is left to do: files of a write to rename, then files to remove. Paths are below the root."""

    write: str
    moves: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class Manifest(_Part):
    """What is known of a stream. `published` names the last publications, newest last."""

    version: int = 1
    files: tuple[VisibleFile, ...] = ()
    published: tuple[str, ...] = ()
    pending: Pending | None = None

    def decided(self, publication: str, files: Sequence[VisibleFile], pending: Pending) -> Manifest:
        """This manifest after the decision to publish; `publication` names what, so that it is not done twice."""
        published = (*self.published, publication)[-_REMEMBERED:]
        return Manifest(files=tuple(files), published=published, pending=pending)

    def settled(self) -> Manifest:
        """This manifest once its publication is carried out."""
        return self.model_copy(update={"pending": None})


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; an empty one when there is none. Raises Bug for what is no manifest of ours."""
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Manifest()
    except ValidationError as error:
        raise Bug(f"{path} is no manifest of this connector; remove it", reason="STRANGE_MANIFEST") from error
    if manifest.version != Manifest().version:
        raise Bug(f"{path} was written by a later version of this connector", reason="STRANGE_MANIFEST")
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace a manifest, durably."""
    replace_file(path, manifest.model_dump_json(indent=1).encode())
