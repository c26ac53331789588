"""The good destination that mutants are made of, and the case that it is judged with: files in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pyarrow as pa
from pyarrow import parquet
from towpath_conformance import Case
from towpath_destination_local.destination import LocalDestination
from towpath_sdk import Destination

__all__ = ["destination_case", "good_destination"]

_METADATA = ["_towpath_extracted_at", "_towpath_generation_id", "_towpath_job_id"]
_held: list[int] = []


def good_destination() -> Destination[Any]:
    """A destination that keeps every rule."""
    return LocalDestination()


def destination_case(folder: Path) -> Case:
    """How it is judged in little time. Everything lies below `folder`."""
    (folder / "a file").write_text("")
    return Case.model_validate(
        {
            "config": {"path": str(folder / "out")},
            "invalid": [
                {"name": "a relative path", "set": {"path": "out"}, "fails": {"field": "path"}},
                {
                    "name": "a path below a file",
                    "set": {"path": str(folder / "a file" / "out")},
                    "fails": {"probe": "folder"},
                },
                {"name": "an unknown format", "set": {"format.type": "xml"}, "fails": {"field": "format"}},
            ],
            "destination": {
                "prepare": {"plugin": "conformance_mutants.good_destination:hold"},
                "read_back": {"plugin": "conformance_mutants.good_destination:read_back"},
                "metadata_columns": _METADATA,
                "rejects": {"timestamp[s]": 2**63 - 1},
                "blocked_set": {"path": str(folder / "out" / "held")},
            },
            "patience": {
                "ready_seconds": 60,
                "slow_reader_seconds": 1,
                "idle_seconds": 1,
                "blocked_seconds": 0.2,
                "call_seconds": 10,
                "cycles": 8,
                "bit_flips": 20,
                "kills": 5,
                "resumes": 8,
            },
            "folder": folder,
        }
    )


def hold(config: Mapping[str, Any]) -> None:
    """Hold the lock of the folder `held` below the configured one: whoever writes there waits."""
    lock = Path(config["path"], "held", "_towpath", "lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    while _held:
        os.close(_held.pop())
    _held.append(descriptor)  # until this process ends, or another one is held


def read_back(config: Mapping[str, Any], namespace: str, stream: str) -> pa.Table:
    """What a reader sees who knows nothing but the folder: all Parquet files of the stream."""
    safe = " !$&'()+,-.;@_="
    folder = Path(config["path"], *(quote(part, safe=safe) for part in (namespace, stream) if part))
    read = cast("Any", parquet).ParquetFile
    tables = [read(path).read() for path in sorted(folder.glob("*.parquet"))]
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
