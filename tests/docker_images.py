"""Images for tests of launching: no connectors, or not for this machine, made without a build; or of another engine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

__all__ = ["copy_images", "foreign_image", "printing_image"]


def copy_images(client: Any, images: Mapping[str, str], to: Any, name: str) -> dict[str, str]:
    """Copy images, by their tags to be, to another engine as `name`; return what they are called there.

    In one stream, which has the layers that they share once.
    """
    for tag, image in images.items():
        client.images.get(image).tag(name, tag)
    try:
        to.images.load(client.api.get_image(name))  # all of that name
    finally:
        for tag in images:
            client.images.remove(f"{name}:{tag}")
    return {tag: f"{name}:{tag}" for tag in images}


def printing_image(client: Any, base: str, program: str) -> str:
    """Make an image that runs a Python program, as `base` with another command; return its name."""
    name = f"towpath-test-program-{hashlib.sha256(program.encode()).hexdigest()[:12]}"
    container = client.containers.create(base, entrypoint=["python3", "-c", program])
    try:
        container.commit(name, "1")
    finally:
        container.remove()
    return f"{name}:1"


def foreign_image(client: Any) -> str:
    """Load an image for a machine that the engine's is not; return its name."""
    name = "towpath-test-foreign:1"
    layer = _tar({})
    config = {
        "architecture": "s390x",
        "os": "linux",
        "config": {"Entrypoint": ["/connector"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
    }
    client.images.load(_tar(files))
    return name


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
