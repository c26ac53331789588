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
from contextlib import suppress
from typing import NoReturn

__all__ = ["leave", "loaded"]

gc.set_threshold(20_000, 20, 100)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")


class _Absent:
    """Refuses what counts as not installed. None in `sys.modules` would too, and to psycopg look like a module.

    Finders need no base class; theirs would bring `importlib.resources` along.
    """

    @staticmethod
    def find_spec(fullname: str, path: object, target: object = None) -> None:
        """Say that it is not there."""
        del path, target
        if fullname in {"numpy", "pygments", "rich"}:
            raise ModuleNotFoundError(f"No module named {fullname!r}: towpath_sdk.lean leaves it aside", name=fullname)


sys.meta_path.insert(0, _Absent())


def loaded() -> None:
    """Say that everything is imported: nobody needs to look for garbage in it."""
    gc.freeze()


def leave(code: int = 0) -> NoReturn:
    """End the process with what it has written, and nothing else: exit handlers are not run, nor threads waited for.

    For a program that has closed everything. The interpreter would take thousands of modules apart, whose memory the
    system has back at once anyway; and threads of libraries, such as Temporal's, that still hand over a last result
    find it half gone: of 25 workers, 7 ended by SIGABRT or SIGSEGV when all was done.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
            stream.flush()
    os._exit(code)
