"""Images that are no connector, or not for this machine, for tests of launching: made without a build."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any

__all__ = ["foreign_image", "printing_image"]


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
