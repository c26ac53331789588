"""The `towpath` command as an author types it, in a folder of their own; in this process, for speed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from cli_prompt import run_here

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
    with chdir(folder), patch("sys.path", [*sys.path]):
        done = run_here(*words, environ=_environ(folder))
    return Done(done.code, done.out, done.err)


def python(folder: Path, *words: str) -> Done:
    """Run Python in a folder."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=_environ(folder),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _environ(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOWPATH_", "PYTEST_"))}
    return {**kept, "HOME": str(folder), "COLUMNS": "200"}
