"""The life of an embedded server: one directory, one process, ports that stay the same.

A directory belongs to one server. It holds the server's data, its log, its secrets (mode 0600) and `ports.json`, so
that a later start, in this process or another, serves the same data at the same address with the same credentials.

The server process itself holds a lock on the directory, inherited when it starts: a start waits for a former server
to be really gone, even one whose parent was killed and which is still on its way out.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from towpath_local.embedded.errors import DirectoryInUse, EmbeddedServerError, PortInUse, ServerExited
from towpath_local.embedded.ports import is_free
from towpath_local.embedded.process import Command, SupervisedProcess

__all__ = ["EmbeddedServer"]

_STARTS = 3
_LOCK_SECONDS = 15.0


class EmbeddedServer(ABC):
    """A server that runs from a directory; also a context manager that starts and stops it.

    It ends with the process that started it, however that ends. Methods are called by one thread at a time.
    """

    name: ClassVar[str]
    """As it is called in errors."""

    ready_seconds: ClassVar[float] = 60.0
    """How long a start may take; generous, since a loaded machine may need many times the usual second."""

    def __init__(self, directory: Path | str, ports: Mapping[str, int | None]) -> None:
        """`ports` names the ports that the caller may choose; None lets the server choose and remember."""
        self.directory = Path(directory).absolute()
        self._asked_ports = {role: port for role, port in ports.items() if port is not None}
        self._ports: dict[str, int] = {}
        self._process: SupervisedProcess | None = None

    @property
    def log(self) -> Path:
        """The server's log: all it wrote to standard output and error."""
        return self.directory / "server.log"

    @property
    def running(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.exit_status() is None

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises EmbeddedServerError when it was not started."""
        if self._process is None:
            raise EmbeddedServerError(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> Self:
        """Start the server and return when it serves requests; nothing happens when it runs already.

        Raises BinaryMissing, PortInUse, DirectoryInUse, ServerExited or ServerNotReady; nothing runs then.
        """
        if self.running:
            return self
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = self._remembered_ports() | self._asked_ports
        for port in kept.values():
            if not is_free(port) and not self._is_locked():
                raise PortInUse(
                    f"port {port} of {self.name} in {self.directory} is taken by another program; stop that program"
                )
        for attempt in range(1, _STARTS + 1):
            self._ports = self._choose_ports() | kept
            try:
                with self._remembering_ports():
                    self._launch()
            except ServerExited:
                # Somebody else took a port that was free a moment ago: draw others.
                drawn = set(self._ports.values()) - set(kept.values())
                if attempt < _STARTS and not all(map(is_free, drawn)):
                    continue
                raise
            break
        return self

    def stop(self) -> None:
        """Stop the server in order, or by force when that takes too long. Data stay. Repeatable."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End the server with SIGKILL, for tests of recovery. Data stay as they are. Repeatable."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> Self:
        """Stop the server if it runs, and start it on the same data and ports."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _choose_ports(self) -> dict[str, int]:
        """Draw a free port for every role."""

    @abstractmethod
    def _prepare(self) -> None:
        """Create what the server needs in its directory, unless it is there; the ports are known by now."""

    @abstractmethod
    def _command(self, lock: int) -> Command:
        """Return what to run; it inherits the descriptor `lock`."""

    @abstractmethod
    def _probe(self) -> str | None:
        """Return None when the server serves real requests, else why not."""

    def _set_up(self) -> None:  # noqa: B027  # most servers need nothing more
        """Create what only a running server can create."""

    def _port(self, role: str) -> int:
        port = self._ports.get(role) or self._asked_ports.get(role) or self._remembered_ports().get(role)
        if port is None:
            raise EmbeddedServerError(f"{self.name} in {self.directory} has no port before its first start")
        return port

    def _launch(self) -> None:
        lock = self._lock()
        try:
            self._prepare()
            process = SupervisedProcess(self._command(lock))
        finally:
            # From here on only the server and its children hold the lock.
            os.close(lock)
        try:
            process.wait_until_ready(self._probe, self.ready_seconds)
            self._set_up()
        except BaseException:
            process.kill()
            raise
        self._process = process

    def _lock(self) -> int:
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(lock):
            if time.monotonic() >= deadline:
                os.close(lock)
                raise DirectoryInUse(f"{self.name} is already running in {self.directory}; stop it first")
            time.sleep(0.05)
        return lock

    def _is_locked(self) -> bool:
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            return not _try_lock(lock)
        finally:
            os.close(lock)

    @contextmanager
    def _remembering_ports(self) -> Generator[None]:
        """Keep the ports for later starts; forget them when this start fails.

        They are written first, so that a start whose parent is killed can be cleaned up by the next one.
        """
        path = self.directory / "ports.json"
        before = path.read_text() if path.exists() else None
        path.write_text(json.dumps(self._ports))
        try:
            yield
        except BaseException:
            if before is None:
                path.unlink()
            else:
                path.write_text(before)
            raise

    def _remembered_ports(self) -> dict[str, int]:
        path = self.directory / "ports.json"
        return json.loads(path.read_text()) if path.exists() else {}


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
