"""An image with this machine's Python, for trying containers where no registry can be reached."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["BASE", "MOUNTS", "image_of"]

BASE = "towpath-test-python:1"
"""The image's name."""

_PATHS = sorted({path for path in sys.path if path and Path(path).is_dir()})
_USER = 1234

MOUNTS = tuple(f"{path}:{path}:ro" for path in _PATHS if not path.startswith(sys.base_prefix))
"""Everything that this Python imports, to be mounted where it is here."""


def image_of(client: Any, program: Path) -> str:
    """Make an image that runs a Python program as another user than root; return its name."""
    python = str(Path(sys.executable).resolve())
    changes = [
        f"ENV LD_LIBRARY_PATH={sysconfig.get_config_var('LIBDIR')}",
        f"ENV PYTHONPATH={':'.join(_PATHS)}",
        "ENV PYTHONDONTWRITEBYTECODE=1",
        f"USER {_USER}",
        f'ENTRYPOINT ["{python}", "/program.py"]',
    ]
    repository, _, tag = BASE.partition(":")
    client.api.import_image_from_data(_archive(python, program), repository, tag, changes=changes)
    return BASE


def _archive(python: str, program: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        archive.add(program, "program.py")
        for path in {python, *map(str, _libraries(python))}:
            archive.add(path)
        archive.add(sysconfig.get_path("stdlib"), filter=_wanted)
        passwd = tarfile.TarInfo("etc/passwd")
        text = f"app:x:{_USER}:{_USER}::/:/bin/sh\n".encode()
        passwd.size = len(text)
        archive.addfile(passwd, io.BytesIO(text))
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(temporary)
    return buffer.getvalue()


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if re.search(r"/(site-packages|test|__pycache__)(/|$)|\.a$", member.name) else member


def _libraries(python: str) -> Iterator[Path]:
    """Everything that the interpreter and the extensions on its path are linked against."""
    extensions = [str(file) for folder in _PATHS for name in ("grpc", "pyarrow", "pydantic_core", "google_crc32c")
                  for file in Path(folder, name).rglob("*.so*")]  # fmt: skip
    modules = map(str, Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so"))
    done = subprocess.run(["ldd", python, *modules, *extensions], capture_output=True, text=True, check=False)
    found = {Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)}
    yield from (path for path in found if not any(str(path).startswith(mount.split(":")[0]) for mount in MOUNTS))
