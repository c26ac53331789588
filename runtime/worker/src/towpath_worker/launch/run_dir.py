"""Where sockets and tokens of running connectors live, and how traces of dead workers are removed.

    base/                 mode 0700, of this user; shared by the user's workers
      w-1a2b3c/           one worker; `lock` is held by flock for as long as the worker lives
        lock
        c1/               one connector: s (its socket), token (mode 0600), o (where it sends spans, if anybody wants
                          them); sockets of a container are r/s and r/o, in a folder of its user

A lock that can be taken belongs to a dead worker: whatever is left of its connectors is killed and its folder removed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import structlog
from towpath_sdk.errors import Misconfigured

__all__ = ["ConnectorDir", "RunDir", "is_dead"]

_SOCKET_PATH_LIMIT = 103
"""Bytes of a socket's path that every system can take: 104 on macOS, 108 on Linux, with the final NUL."""

_log = structlog.get_logger(__name__)


class ConnectorDir:
    """The folder of one running connector."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = path / "s"
        self.spans = path / "o"
        self.token_file = path / "token"

    @classmethod
    def create(cls, path: Path) -> ConnectorDir:
        """Make the folder (0700) with a fresh token (0600)."""
        path.mkdir(mode=0o700)
        folder = cls(path)
        descriptor = os.open(folder.token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        return folder

    @property
    def address(self) -> str:
        """What TOWPATH_LISTEN says."""
        return f"unix:{self.socket}"

    @property
    def token(self) -> str:
        """The bearer token."""
        return self.token_file.read_text()

    def hand_over(self, user: int) -> Path:
        """Make a folder in this one that `user` may write to, with the socket in it, and let them read the token.

        Only what is in that folder can be changed by the connector: the token's file is not there.
        """
        shared = self.path / "r"
        shared.mkdir(mode=0o700)
        self.socket = shared / "s"
        self.spans = shared / "o"
        if user != os.geteuid():
            os.chown(shared, user, user)
            os.chown(self.token_file, user, user)
        return shared

    def remove(self) -> None:
        """Remove the folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)


class RunDir:
    """The folder of this worker."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock
        self._count = 0

    @classmethod
    def open(cls, base: Path) -> RunDir:
        """Clean up after dead workers, then make this worker's folder.

        Misconfigured when `base` belongs to somebody else, is open to others, or is too long for the path of a socket.
        """
        path = base / f"w-{secrets.token_hex(3)}"
        longest = os.fsencode(path / "c99999" / "r" / "s")
        if len(longest) > _SOCKET_PATH_LIMIT:
            room = _SOCKET_PATH_LIMIT - (len(longest) - len(os.fsencode(base)))
            raise Misconfigured(
                f"the run directory {base} is too long for the path of a Unix socket; choose one of at most {room}"
                " bytes with TOWPATH_WORKER_RUN_DIR"
            )
        _make_private(base)
        reap(base)
        path.mkdir(mode=0o700)
        lock = (path / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(path, lock)

    def connector(self) -> ConnectorDir:
        """Make a folder for one connector."""
        self._count += 1
        return ConnectorDir.create(self.path / f"c{self._count}")

    def close(self) -> None:
        """Remove the folder; its connectors have been stopped before."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def is_dead(folder: Path) -> bool:
    """Whether the worker of this folder no longer lives; only asked about one that has started something."""
    try:
        lock = (folder / "lock").open("r+")
    except FileNotFoundError:
        return True
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def reap(base: Path) -> int:
    """Remove folders, and kill connectors, of workers that are dead; return how many folders that were."""
    reaped = 0
    for folder in sorted(base.glob("w-*")):
        try:
            lock = (folder / "lock").open("r+")
        except FileNotFoundError:
            # A worker that begins right now, or one that ended halfway: without a lock nothing was started here.
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            killed = _kill_connectors(folder)
            shutil.rmtree(folder, ignore_errors=True)
        reaped += 1
        _log.info("cleaned up after a dead worker", folder=str(folder), processes_killed=killed)
    return reaped


def _kill_connectors(folder: Path) -> int:
    """Kill what still runs of a dead worker's connectors; return how many processes that were.

    A pid may have been given to somebody else since: only processes whose environment names a socket in this very
    folder are touched. A fork's is that of the process that forked it.
    """
    killed = 0
    start = os.fsencode(f"TOWPATH_LISTEN=unix:{folder}/")
    for pid, environ in _processes():
        if any(entry.startswith(start) for entry in environ.split(b"\0")):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
    return killed


def _make_private(base: Path) -> None:
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = base.lstat()
    if base.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Misconfigured(
            f"the run directory {base} must be a folder of this user with mode 0700; remove it, or choose another one"
            " with TOWPATH_WORKER_RUN_DIR"
        )


def _processes() -> Iterator[tuple[int, bytes]]:
    """Yield pid and environment block of every process that this user may look at; nothing where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            yield int(entry.name), (entry / "environ").read_bytes()
        except OSError:  # ended meanwhile, or of another user
            continue
