"""Everything that a connector imports, in one folder, ready to be copied into an image.

It is laid out here and not in a stage of the image's build: so a build needs neither a network nor pip in the base
image, packages of a workspace are found, and two builds of the same versions give the same bytes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import uv
from towpath_sdk.errors import Misconfigured

__all__ = ["EPOCH", "UNREPRODUCIBLE", "finish", "install"]

EPOCH = 315532800
"""1 January 1980, in seconds: the time of every file, because a layer's digest holds it."""

UNREPRODUCIBLE = ("direct_url.json", "uv_cache.json", "uv_build.json", "RECORD", "INSTALLER", "REQUESTED")
"""Notes of the installer, which name paths and times of this machine."""

_NOT_IMPORTED = (
    "bin",
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/tests",
    "numpy/tests",
    "numpy/*/tests",
    "numpy/*/include",
)
"""Headers, sources and tests of large packages; nothing that runs asks for them."""


def install(folder: Path, target: Path, *, machine: str, constraints: Sequence[Path] = ()) -> None:
    """Install the connector in `folder` and all that it needs into `target`, for Linux on `machine`.

    `machine` is `x86_64` or `aarch64`; the Python is of this one's version. `constraints` are files that pin versions,
    such as a requirements.lock. Raises Misconfigured with what the installer said.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-editable", "--link-mode", "copy"]
    command += ["--python", sys.executable, "--python-version", version]
    command += ["--python-platform", f"{machine}-manylinux_2_28"]
    command += [word for file in constraints for word in ("--constraints", str(file.absolute()))]
    command += ["--target", str(target), str(folder.absolute())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Misconfigured(f"the packages of {folder} cannot be installed:\n{done.stderr.strip()}", reason="INSTALL")
    for unused in [path for pattern in _NOT_IMPORTED for path in target.glob(pattern)]:
        shutil.rmtree(unused)
    (target / ".lock").unlink(missing_ok=True)


def finish(target: Path) -> None:
    """Compile what was installed, and give it modes and times that are the same everywhere."""
    for name in UNREPRODUCIBLE:
        for file in target.glob(f"*.dist-info/{name}"):
            file.unlink()
    for path in sorted(target.rglob("*"), reverse=True):  # folders that held nothing else, or what was taken out
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    _compile(target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def _compile(target: Path) -> None:
    """Compile everything: a container starts in a third of the time, and its root is read-only.

    The bytecode is not checked against its source, whose time means nothing here; the paths in tracebacks are those of
    the image. Files that are no Python of this version, such as templates, stay as they are.
    """
    # By one process in one order: what it interned before decides over bytes of the next file.
    options = ["-q", "-q", "-f", "-d", "/opt/connector", "--invalidation-mode", "unchecked-hash"]
    command = [sys.executable, "-m", "compileall", *options, str(target)]
    subprocess.run(command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONHASHSEED": "0"}, check=False)
