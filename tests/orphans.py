"""Killing the parent of a server, and waiting for the server to follow; run as a program, this file is the parent."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
from towpath_local.embedded import EmbeddedPostgres, EmbeddedS3, EmbeddedTemporal
from towpath_local.embedded.process import Command, SupervisedProcess

__all__ = ["DEAF_PROGRAM", "ends_within", "orphan"]

DEAF_PROGRAM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
"""Ignores the polite signal, so that only force ends it."""

_SERVERS = {"postgres": EmbeddedPostgres, "s3": EmbeddedS3, "temporal": EmbeddedTemporal}


def orphan(kind: str, directory: Path) -> int:
    """Start a server of `kind` from another process, `kill -9` that process, and return the server's process id."""
    parent = subprocess.Popen([sys.executable, __file__, kind, str(directory)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        try:
            return int(parent.stdout.readline())
        finally:
            parent.kill()
            parent.wait()


def ends_within(pid: int, seconds: float) -> bool:
    """Tell whether the process ends in time; one that is only left to be reaped by the system has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def _parent(kind: str, directory: Path) -> None:
    if kind in _SERVERS:
        started = _SERVERS[kind](directory).start()
    else:
        log = directory / "log"
        command = Command(name=kind, argv=[sys.executable, "-c", DEAF_PROGRAM], log=log, stop_seconds=1)
        started = SupervisedProcess(command)
        while b"deaf" not in log.read_bytes():
            time.sleep(0.02)
    sys.stdout.write(f"{started.pid}\n")
    sys.stdout.flush()
    time.sleep(600)


if __name__ == "__main__":
    _parent(sys.argv[1], Path(sys.argv[2]))
