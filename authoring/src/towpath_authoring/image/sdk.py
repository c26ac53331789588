"""The SDK and all that it needs as an image of its own, on which connectors stand: most of what they import.

Connectors with the same versions share it, on an engine and in a registry. Its name holds a digest of everything that
decides over its bytes, so that it is never the one of other sources, versions or another base image.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tarfile
import tempfile
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

from towpath_authoring.image import site

__all__ = ["image_of_sdk", "take_sdk"]

_NAME = re.compile(r"[\w.-]+")


def take_sdk(installed: Path, target: Path) -> None:
    """Move towpath-sdk and what it needs, with extras, from one folder of packages to another."""
    packages = {_plain(found.name): found for found in map(PathDistribution, installed.glob("*.dist-info"))}
    taken: dict[str, PathDistribution] = {}
    waiting = ["towpath-sdk"]
    while waiting:
        name = waiting.pop()
        if name in packages:
            taken[name] = packages.pop(name)
            waiting += [_plain(found[0]) for need in taken[name].requires or () if (found := _NAME.match(need))]
    target.mkdir()
    files = [file for package in taken.values() for file in package.files or () if file.name not in site.UNREPRODUCIBLE]
    for file in files:
        if (installed / file).is_file():  # not all that was installed is still there
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (installed / file).rename(target / file)


def image_of_sdk(client: Any, base: Any, packages: Path) -> str:
    """Return the name of the image of `packages` on `base`; it is made unless it is there, and `packages` compiled.

    `client` and `base` are of the Docker SDK, whose errors are raised.
    """
    name, tag = "towpath-sdk", _digest(packages, base.id)  # not the base's name, which others may get
    if not client.images.list(name=f"{name}:{tag}"):
        site.finish(packages)
        # Never started. The image keeps the name of its host, which would be another one each time.
        container = client.containers.create(base.id, ["python3"], hostname="none")
        try:
            with tempfile.TemporaryFile() as archive:
                _write(archive, packages)
                container.put_archive("/", archive)
            container.commit(name, tag)
        finally:
            container.remove()
    return f"{name}:{tag}"


def _digest(packages: Path, base: str) -> str:
    """Name what is to be compiled, by whom and how, and the base: that is known before anything is compiled."""
    digest = hashlib.sha256(f"{base} {sys.version}".encode())
    for code in (__file__, site.__file__):
        digest.update(Path(code).read_bytes())
    for path in sorted(path for path in packages.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(packages)} {path.stat().st_mode & 0o100} {content}\n".encode())
    return digest.hexdigest()[:16]


def _write(archive: Any, packages: Path) -> None:
    with tarfile.open(fileobj=archive, mode="w") as layer:
        above = tarfile.TarInfo("opt")
        above.type, above.mode, above.mtime = tarfile.DIRTYPE, 0o755, site.EPOCH
        layer.addfile(above)
        layer.add(packages, "opt/connector", filter=_of_root)
    archive.seek(0)


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
