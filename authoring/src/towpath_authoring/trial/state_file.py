"""States between two runs, in a file of JSON: what the platform's database would keep."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from towpath_sdk.catalog import ReadMode
from towpath_sdk.errors import Misconfigured
from towpath_sdk.testing import ReceivedCheckpoint

__all__ = ["SavedState", "load_state", "save_state"]


@dataclass(frozen=True)
class SavedState:
    """The last checkpoint of one stream, as the source encoded it."""

    encoded: bytes
    version: int


def save_state(file: Path, stream: str, mode: ReadMode, checkpoint: ReceivedCheckpoint) -> None:
    """Store the state of a stream beside those of the others; `readable` is for people, and never read."""
    states = _read(file) if file.exists() else {}
    readable = checkpoint.state if not isinstance(checkpoint.state, bytes) else repr(checkpoint.state)
    states[_key(stream, mode)] = {
        "state": base64.b64encode(checkpoint.encoded).decode(),
        "version": checkpoint.version,
        "readable": readable,
    }
    file.write_text(json.dumps(states, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")


def load_state(file: Path, stream: str, mode: ReadMode) -> SavedState:
    """Return the stored state of a stream. Raises Misconfigured when there is none, or the file is damaged."""
    saved = _read(file).get(_key(stream, mode))
    if saved is None:
        raise Misconfigured(f"{file} holds no state of {_key(stream, mode)}; read it once without --resume")
    try:
        return SavedState(base64.b64decode(saved["state"], validate=True), int(saved["version"]))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Misconfigured(f"{file} is damaged at {_key(stream, mode)}; delete it and read anew") from error


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"cannot read {file}: {error.strerror}; read once without --resume") from error
    except ValueError as error:
        raise Misconfigured(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise Misconfigured(f"{file} holds no states; delete it and read anew")
    return cast("dict[str, dict[str, Any]]", content)


def _key(stream: str, mode: ReadMode) -> str:
    return f"{stream} ({mode.name.lower()})"
