"""Import this before anything large in a program that has no use for numpy, and it starts sooner.

Arrow loads numpy wherever it is installed, and structlog rich; pydantic asks every installed distribution for plugins;
and the collector looks for garbage among modules that stay: of a connector's start, a fifth. After this import numpy
and rich count as not installed, so that Arrow's `to_numpy` and `to_pandas` fail; a program that wants them does
without this module.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, cast

__all__ = ["loaded"]

gc.set_threshold(20_000, 20, 100)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
for _optional in ("numpy", "rich"):
    cast("dict[str, Any]", sys.modules).setdefault(_optional, None)


def loaded() -> None:
    """Say that everything is imported: nobody needs to look for garbage in it."""
    gc.freeze()
