"""Manifests: which objects a write added to a generation of a stream, so that exactly these can go away later.

A manifest is written before its objects appear, so that no object is ever without one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from towpath_sdk import Bug, StreamName

from towpath_destination_s3.receipt import StagedFile
from towpath_destination_s3.store import Store
from towpath_destination_s3.template import write_token

__all__ = ["manifests_of", "objects_of", "write_manifest"]

_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """Where a manifest lies, and of which generation it is."""

    key: str
    generation: int


def write_manifest(
    store: Store, write_id: str, stream: StreamName, generation: int, files: Sequence[StagedFile]
) -> None:
    """Write the manifest of one write, stream and generation; repeating it changes nothing."""
    content = {
        "version": _VERSION,
        "write": write_id,
        "stream": {"namespace": stream.namespace, "name": stream.name},
        "generation": generation,
        "objects": [{"key": file.upload.key, "rows": file.rows, "bytes": file.bytes} for file in files],
    }
    body = json.dumps(content, indent=1, ensure_ascii=False).encode()
    store.put(f"{_folder(store, stream)}{generation:08d}-{write_token(write_id)}.json", body)


def manifests_of(store: Store, stream: StreamName) -> Iterator[Manifest]:
    """Yield a stream's manifests, oldest generation first. Raises Bug for an object that is none."""
    folder = _folder(store, stream)
    for key in store.keys(folder):
        generation = key[len(folder) :].split("-", 1)[0]
        if not generation.isdigit():
            raise _strange(key)
        yield Manifest(key, int(generation))


def objects_of(store: Store, manifest: Manifest) -> list[str]:
    """Return the keys that a manifest lists; none when it is gone. Raises Bug for what is no manifest of ours."""
    found = store.get(manifest.key)
    if found is None:
        return []
    try:
        content: dict[str, Any] = json.loads(found[0])
        if content["version"] == _VERSION:
            return [str(item["key"]) for item in content["objects"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _strange(manifest.key) from error
    raise _strange(manifest.key)


def _strange(key: str) -> Bug:
    return Bug(f"{key} is no manifest of this connector; remove it", reason="STRANGE_MANIFEST")


def _folder(store: Store, stream: StreamName) -> str:
    """Every stream has a folder of its own; "=" keeps an empty namespace from looking like a stream."""
    return (
        store.below("_towpath", "manifests", f"={quote(stream.namespace, safe='')}", f"={quote(stream.name, safe='')}")
        + "/"
    )
