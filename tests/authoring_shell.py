"""The `towpath` command as an author types it, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Done", "python", "towpath"]

_SECONDS = 240


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def towpath(folder: Path, *words: str) -> Done:
    """Run `towpath` in a folder."""
    return _run(folder, "-m", "towpath_cli", *words)


def python(folder: Path, *words: str) -> Done:
    """Run Python in a folder."""
    return _run(folder, *words)


def _run(folder: Path, *words: str) -> Done:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOWPATH_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**kept, "HOME": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
