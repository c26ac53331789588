"""The data folder: everything that `towpath up` keeps, and who may use it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from towpath_cli.endpoint import read_endpoint
from towpath_sdk.errors import Conflict, Misconfigured

__all__ = ["DataFolder", "FolderLocks"]

_FORMER_CHILDREN_SECONDS = 30.0
_LONGEST_RUN_DIR = 60
"""Unix socket paths must stay below 108 bytes, and connectors' sockets lie two levels deeper."""


@dataclass(frozen=True)
class DataFolder:
    """Paths inside one data folder. Keys and tokens are readable by their owner only."""

    root: Path

    @property
    def metadata(self) -> Path:
        """The server's database."""
        return self.root / "metadata.db"

    @property
    def temporal(self) -> Path:
        """Folder of the Temporal server."""
        return self.root / "temporal"

    @property
    def key_file(self) -> Path:
        """Keys with which the server encrypts configurations; without them the metadata are worthless."""
        return self.root / "keys" / "metadata.key"

    @property
    def worker_token_file(self) -> Path:
        """Token with which workers speak to the server."""
        return self.root / "keys" / "worker.token"

    @property
    def logs(self) -> Path:
        """Folder of logs."""
        return self.root / "logs"

    @property
    def ports_file(self) -> Path:
        """Ports of the last run, to be used again."""
        return self.root / "ports.json"

    @property
    def processes_file(self) -> Path:
        """Process ids of what runs now, by name."""
        return self.root / "processes.json"

    @property
    def web_config(self) -> Path:
        """Envoy's configuration, written anew by each start."""
        return self.root / "web.json"

    @property
    def run_dir(self) -> Path:
        """Folder of connectors' sockets: in here when the path is short enough, otherwise in a temporary folder."""
        inside = self.root / "run"
        if len(str(inside)) <= _LONGEST_RUN_DIR:
            return inside
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        # A TMPDIR may be as long as the data folder's path.
        temporary = min(tempfile.gettempdir(), "/tmp", key=len)  # noqa: S108  # the worker makes it and checks its owner
        return Path(temporary) / f"towpath-{os.getuid()}-{digest}"

    def prepare(self) -> None:
        """Create the folder and what must be there before anything starts.

        Raises Misconfigured when the folder cannot be created or written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.key_file.parent, self.logs):
                folder.mkdir(exist_ok=True, mode=0o700)
            if not self.worker_token_file.exists():
                _write_secret(self.worker_token_file, secrets.token_urlsafe(32))
        except OSError as error:
            raise Misconfigured(
                f"cannot use the data folder {self.root}: {error.strerror}; choose another with --data-dir"
            ) from error


class FolderLocks:
    """Holds a data folder for this process, and for its children.

    There are two locks: one ends with this process, the other with the last of its children. So a second `up` is
    refused at once while the first lives, and after a `kill -9` of the first it waits until what that started is gone.
    """

    def __init__(self, folder: DataFolder) -> None:
        """Take both locks. Raises Conflict when another `up` runs on the folder, or its children do not go away."""
        self._own = _open(folder.root / "up.lock")
        self.children = _open(folder.root / "children.lock")
        """Descriptor to hand to children."""
        if not _take(self._own):
            self.release()
            raise _already_running(folder)
        deadline = time.monotonic() + _FORMER_CHILDREN_SECONDS
        while not _take(self.children):
            if time.monotonic() >= deadline:
                self.release()
                raise Conflict(
                    f"processes of a former `towpath up` still use {folder.root}; "
                    f"end those that `fuser {folder.root / 'children.lock'}` lists, then try again"
                )
            time.sleep(0.1)

    def release(self) -> None:
        """Let go of both."""
        os.close(self._own)
        os.close(self.children)


def _already_running(folder: DataFolder) -> Conflict:
    endpoint = read_endpoint(folder.root)
    if endpoint is None:
        return Conflict(
            f"`towpath up` is already starting on {folder.root}; wait for it, or choose another folder with --data-dir",
            reason="ALREADY_RUNNING",
        )
    return Conflict(
        f"`towpath up` already runs on {folder.root}: process {endpoint.pid}, server at {endpoint.address}; "
        f"use that one, stop it with `kill {endpoint.pid}`, or choose another folder with --data-dir",
        reason="ALREADY_RUNNING",
    )


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_secret(path: Path, text: str) -> None:
    """Write a file that was never readable by others, in one step."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    draft.replace(path)
