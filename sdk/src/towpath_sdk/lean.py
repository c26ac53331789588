"""Import this before anything large in a program that has no use for numpy, and it starts sooner.

Arrow loads numpy wherever it is installed, structlog rich, and Alembic's templates pygments; pydantic asks every
installed distribution for plugins; and the collector looks for garbage among modules that stay: of a start, up to a
fifth. After this import the three count as not installed, so that Arrow's `to_numpy` and `to_pandas` fail; a
program that wants one of them does without this module.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib.abc import MetaPathFinder

__all__ = ["loaded"]

gc.set_threshold(20_000, 20, 100)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")


class _Absent(MetaPathFinder):
    """Refuses what counts as not installed. None in `sys.modules` would too, and to psycopg look like a module."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Say that it is not there."""
        del path, target
        if fullname in {"numpy", "pygments", "rich"}:
            raise ModuleNotFoundError(f"No module named {fullname!r}: towpath_sdk.lean leaves it aside", name=fullname)


sys.meta_path.insert(0, _Absent())


def loaded() -> None:
    """Say that everything is imported: nobody needs to look for garbage in it."""
    gc.freeze()
