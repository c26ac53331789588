"""The steps of a check: what this destination does in the folder, tried with a probe file that is deleted again."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from towpath_sdk import Misconfigured, Probe

from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import translated

__all__ = ["probes"]

_CONTENT = b"Towpath looks whether it can write here. This file can be deleted.\n"


def probes(config: LocalConfig) -> Iterable[Probe]:
    """Yield the probes. Nothing stays behind: a missing folder is looked for, and not made."""
    yield Probe("folder", lambda: _find(config.path))
    yield Probe("write", lambda: _write(config.path))


def _find(path: Path) -> None:
    with translated(f"looking at {path}"):
        there = _nearest(path)
        if not there.is_dir():
            raise Misconfigured(f"{there} is no folder", reason="NO_FOLDER", fields={"path": f"{there} is no folder"})


def _write(path: Path) -> None:
    """Write and rename where the folder is, or is going to be made."""
    there = _nearest(path)
    probe = there / f".towpath-{uuid.uuid4().hex}"
    renamed = probe.with_suffix(".renamed")
    with translated(f"writing to {there}"):
        try:
            with probe.open("wb") as file:
                file.write(_CONTENT)
                file.flush()
                os.fsync(file.fileno())
            probe.rename(renamed)
            if renamed.read_bytes() != _CONTENT:
                raise Misconfigured("the probe file reads differently from what was written", reason="PROBE_CHANGED")
        finally:
            probe.unlink(missing_ok=True)
            renamed.unlink(missing_ok=True)


def _nearest(path: Path) -> Path:
    """The folder itself, or what is nearest above it."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
