"""Builds this repository's connectors as images, on the base image that is made of this machine's Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import docker

from towpath_local.embedded.errors import EmbeddedServerError
from towpath_local.images.base import import_base

__all__ = ["build_connectors"]


def build_connectors(folder: Path, images: Mapping[str, str], url: str) -> Iterator[str]:
    """Build connectors below `folder`, by name of folder and image, on the engine at `url`; yield each image made.

    Versions are those of the lock file beside `folder`, where there is one. Raises EmbeddedServerError.
    """
    client = cast("Any", docker).DockerClient(base_url=url, timeout=120)
    try:
        base = import_base(client)
    finally:
        client.close()
    pins = folder.absolute().parent / "requirements.lock"
    constraint = ["--constraint", str(pins)] if pins.exists() else []
    for name, image in images.items():
        command = [sys.executable, "-m", "towpath_cli", "connector", "build", str(folder / name), "--tag", image]
        done = subprocess.run(
            [*command, "--base-image", base, *constraint],
            env={**os.environ, "DOCKER_HOST": url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EmbeddedServerError(f"the image {image} cannot be built: {done.stderr.strip()}")
        yield image
