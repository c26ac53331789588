"""Servers and programs that a test needs: missing, they skip it on a laptop and fail it in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test because `what` is not there; with CI=true fail it, since a skipped test proves nothing."""
    message = f"{what} is missing: {remedy}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def require_program(name: str, remedy: str, *others: str) -> Path:
    """Return the path of a program on PATH, or of the first of `others` that is, or skip or fail as `missing` does."""
    found = next(filter(None, map(shutil.which, (name, *others))), None)
    if found is None:
        missing(name, remedy)
    return Path(found)


def require_debian_postgres() -> Path:
    """Return the folder of Debian's PostgreSQL programs, which speak TLS; the newest version wins."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        missing("Debian's postgresql", "run scripts/system-packages.sh as root")
    return found[-1].parent
