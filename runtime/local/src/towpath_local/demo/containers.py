"""The demo with its connectors in containers: an engine, and the two images on it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import docker

from towpath_local.embedded.docker import EmbeddedDocker, host_address, running_engine
from towpath_local.images.build import build_connectors

__all__ = ["IMAGES", "Containers", "open_containers"]

IMAGES: Mapping[str, str] = {
    "source-postgres": "towpath-source-postgres:demo",
    "destination-s3": "towpath-destination-s3:demo",
}
"""The connectors of the demo, and their images."""


@dataclass(frozen=True)
class Containers:
    """An engine: its DOCKER_HOST, and the address under which containers reach this machine."""

    url: str
    host: str


@contextmanager
def open_containers(root: Path, connectors: Path) -> Generator[Containers]:
    """Build the images from the folder `connectors`, on the engine that runs or on one that is started in `root`.

    Raises EmbeddedServerError when there is no engine, or an image cannot be built.
    """
    url = running_engine()
    own = None if url is not None else EmbeddedDocker(root / "docker")
    try:
        url = url or cast("EmbeddedDocker", own).start().url
        client = cast("Any", docker).DockerClient(base_url=url, timeout=120)
        try:
            list(build_connectors(connectors, IMAGES, url))
            yield Containers(url, host_address(client))
        finally:
            client.close()
    finally:
        if own is not None:
            own.stop()
