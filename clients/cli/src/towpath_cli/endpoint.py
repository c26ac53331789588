"""Where the server of this machine listens: `endpoint.json` in the data folder, written by `towpath up`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["DEFAULT_ADDRESS", "DEFAULT_PORT", "Endpoint", "default_data_dir", "endpoint_file", "read_endpoint"]

DEFAULT_PORT = 7070
DEFAULT_ADDRESS = f"127.0.0.1:{DEFAULT_PORT}"


@dataclass(frozen=True)
class Endpoint:
    """A running `towpath up`: addresses as `host:port`, the process id of its supervisor, and its data folder."""

    address: str
    temporal_address: str
    temporal_ui: str
    pid: int
    data_dir: str
    web: str = ""
    """Address of the web client; empty when there is none."""

    def write(self, data_dir: Path) -> None:
        """Store it in one step, so that readers see the old file or the new one and never half of it."""
        target = endpoint_file(data_dir)
        draft = target.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(target)


def default_data_dir() -> Path:
    """Return `$TOWPATH_HOME`, or `~/.towpath`."""
    home = os.environ.get("TOWPATH_HOME")
    return Path(home).expanduser() if home else Path.home() / ".towpath"


def endpoint_file(data_dir: Path) -> Path:
    """Return the path of the file inside a data folder."""
    return data_dir / "endpoint.json"


def read_endpoint(data_dir: Path) -> Endpoint | None:
    """Return what `towpath up` wrote into this folder; None when it is not there or not readable as such."""
    try:
        fields = json.loads(endpoint_file(data_dir).read_text(encoding="utf-8"))
        return Endpoint(
            address=str(fields["address"]),
            temporal_address=str(fields["temporal_address"]),
            temporal_ui=str(fields["temporal_ui"]),
            pid=int(fields["pid"]),
            data_dir=str(fields["data_dir"]),
            web=str(fields.get("web", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
