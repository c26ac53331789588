"""The version before the newest tables, from the repository's history: what an upgrade begins with."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

__all__ = ["former_version", "newest_revision"]

_ROOT = Path(__file__).parents[1]
_MIGRATIONS = "runtime/server/src/towpath_server/database/migrations/versions"
_SOURCES = ("proto/gen/python", "sdk/src", "runtime/*/src", "clients/cli/src")


def newest_revision() -> str:
    """Return the revision of the tables that the present servers make, such as "0004"."""
    return _newest().name[1:5]


def former_version(folder: Path) -> str:
    """Unpack the version that did not know the newest tables; return a PYTHONPATH that comes before what is installed.

    Skips the test where there is no history, which nobody can install: it takes a clone with all of it.
    """
    file = _newest().relative_to(_ROOT)
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(file)).decode().strip()
    archive = _git(
        "archive", "--format=tar", f"{added or 'HEAD'}^", "proto/gen", "sdk/src", "runtime", "clients/cli/src"
    )
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder)  # noqa: S202 - our own history; not every 3.11 knows filters
    assert not (folder / file).exists()
    return ":".join(str(path) for pattern in _SOURCES for path in sorted(folder.glob(pattern)))


def _newest() -> Path:
    return max((_ROOT / _MIGRATIONS).glob("r[0-9]*.py"))


def _git(*words: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(_ROOT), *words], check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the version before the newest tables is not here; a clone with its whole history has it: {error}")
