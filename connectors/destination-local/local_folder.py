# ruff: noqa: INP001 - a plug-in of the case file beside it, part of no package
"""The folder that destination-local is judged in: made anew, and read as somebody does who knows nothing but files."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of files open.
from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from pyarrow import parquet

__all__ = ["begin", "read_back"]

_SAFE = " !$&'()+,-.;@_="
"""What stands in the name of a folder as it is; see the README."""
_held: dict[Path, int] = {}
"""Locks that are held until this process ends."""


def begin(config: Mapping[str, Any]) -> None:
    """Make the folder anew, with a file beside it; hold the lock of the folder `held` in it, so that writers wait."""
    root = Path(config["path"])
    shutil.rmtree(root, ignore_errors=True)
    lock = root / "held" / "_towpath" / "lock"
    lock.parent.mkdir(parents=True)
    (root.parent / "a file").write_text("no folder")
    if lock in _held:
        os.close(_held.pop(lock))
    _held[lock] = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(_held[lock], fcntl.LOCK_EX)


def read_back(config: Mapping[str, Any], namespace: str, stream: str) -> pa.Table:
    """Return the rows of all Parquet files that lie in the stream's folder."""
    folder = Path(config["path"], *(quote(part, safe=_SAFE) for part in (namespace, stream) if part))
    tables = [parquet.ParquetFile(path).read() for path in sorted(folder.glob("*.parquet"))]
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
