"""Builds the image of a connector on the Docker engine, from the Dockerfile in its folder."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from towpath_sdk.errors import Misconfigured, NotFound, Unavailable

from towpath_authoring.image.sdk import image_of_sdk, take_sdk
from towpath_authoring.image.site import finish, install

__all__ = ["Built", "build_image"]

_LABELS = ("io.towpath.connector.id", "io.towpath.protocol.version")
_ASKS_FOR_SDK = re.compile(r"^ARG SDK_IMAGE\b", re.MULTILINE)
_NOT_COPIED = (".git", ".venv", "__pycache__", "node_modules", "site")
_ENGINE_SECONDS = 600
_SHOWN_LINES = 20


@dataclass(frozen=True)
class Built:
    """An image: its name, its id (`sha256:…`), its size in bytes, the image below, and how much is not that one's."""

    name: str
    id: str
    size: int
    below: str
    own_size: int


def build_image(folder: Path, *, name: str | None, base_image: str | None, constraints: Sequence[Path]) -> Built:
    """Build the connector in `folder`; its name is that of its project and version, unless one is given.

    `base_image` needs this Python's version; the default is python:X.Y-slim. A Dockerfile that asks for SDK_IMAGE gets
    an image with the SDK on that base, and the rest in `site`; another one gets BASE_IMAGE, and all of it in `site`.
    Raises NotFound, Misconfigured with the end of what the build said, or Unavailable when no engine answers.
    """
    if not (folder / "Dockerfile").is_file():
        raise NotFound(f"there is no Dockerfile in {folder}; `towpath connector new` writes one")
    image = name or _name_of(folder / "pyproject.toml")
    base = base_image or f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    client = _engine()
    try:
        with tempfile.TemporaryDirectory(prefix="towpath-build-") as temporary:
            context = Path(temporary) / "context"
            shutil.copytree(folder, context, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
            site = context / "site"
            install(folder, site, machine=_machine(client), constraints=constraints)
            below = base
            if _ASKS_FOR_SDK.search((folder / "Dockerfile").read_text("utf-8")):
                take_sdk(site, sdk := Path(temporary) / "sdk")
                below = _on_base(client, base, sdk)
            finish(site)
            built = _build(client, context, image, {"BASE_IMAGE": base, "SDK_IMAGE": below})
        labels: Mapping[str, str] = built.labels
        missing = [label for label in _LABELS if not labels.get(label)]
        if missing:
            raise Misconfigured(
                f"the Dockerfile in {folder} sets no label {' and no '.join(missing)}", reason="NO_LABEL"
            )
        size = int(built.attrs["Size"])
        return Built(image, str(built.id), size, below, size - int(client.images.get(below).attrs["Size"]))
    finally:
        client.close()


def _engine() -> Any:
    try:
        client = cast("Any", docker).from_env(timeout=_ENGINE_SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        message = f"no Docker engine answers; start it (systemctl start docker), or set DOCKER_HOST: {error}"
        raise Unavailable(message, reason="DOCKER_UNAVAILABLE") from error
    return client


def _machine(client: Any) -> str:
    architecture: str = client.version()["Arch"]
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(architecture)
    if machine is None:
        raise Misconfigured(f"there are no wheels for engines on {architecture} ({platform.machine()} here)")
    return machine


def _on_base(client: Any, base: str, packages: Path) -> str:
    try:
        try:
            found = client.images.get(base)
        except ImageNotFound:
            found = client.images.pull(base)
        return image_of_sdk(client, found, packages)
    except APIError as error:
        problem = f"the SDK cannot be put on {base}: {cast('Any', error).explanation}"
        raise Misconfigured(problem, reason="BUILD") from error


def _build(client: Any, context: Path, image: str, arguments: Mapping[str, str]) -> Any:
    try:
        built, _ = client.images.build(path=str(context), tag=image, buildargs=arguments, rm=True, forcerm=True)
    except BuildError as error:
        said = "".join(str(part.get("stream", "")) for part in cast("Any", error).build_log)
        lines = [line for line in said.splitlines() if line.strip()][-_SHOWN_LINES:]
        raise Misconfigured("\n".join([f"{image} cannot be built: {error}", *lines]), reason="BUILD") from error
    except APIError as error:
        raise Misconfigured(f"{image} cannot be built: {cast('Any', error).explanation}", reason="BUILD") from error
    return built


def _name_of(project: Path) -> str:
    try:
        content = tomllib.loads(project.read_text("utf-8"))["project"]
        return f"{content['name']}:{content['version']}"
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        problem = f"{project} does not say the project's name and version; name the image with --tag"
        raise Misconfigured(problem, reason="NO_PROJECT") from error
