"""A connector that forks itself: what it imports is imported once, and each start after that costs next to nothing.

A launcher that wants it sets TOWPATH_FORK_FD to its end of a socket that keeps messages whole (SOCK_SEQPACKET). The
process then says `{"ready": true}` instead of serving, and forks for each `{"id": …, "environ": {…}}` that comes with
three descriptors. A fork has a session of its own, these as its standard input, output and error, and the variables
that differ from those of the first process, null for one that it must not have. It says `{"id": …, "pid": …}`; when it
has ended, the process that forked it says `{"id": …, "code": …}`. A code without a pid: there was no fork, this time.
`{"id": …, "changed": true}`: there will be none any more, because the program was changed.

A process that may not be forked closes the socket, and serves as if nobody had asked. So does the launcher with one
that is no longer wanted.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["forked_on_demand"]

_ASKED_BYTES = 1 << 20
_STANDARD = (0, 1, 2)
_IDLE_SECONDS = 60.0
_BEGINNING_SECONDS = 0.02
"""An interpreter that was just started has not imported anything; its start is known to a hundredth of a second."""
_ALLOCATOR = "jemalloc_bg_thd"
"""A thread of Arrow's, which does nothing unless that allocator is chosen, and which a fork does without."""
_NOT_FORKED = 1
_NAME = Path("/proc/self/comm")
_NAMED = "towpath-forks"
"""What `ps -o comm` calls the process that forks; its command line is that of its connectors."""

_Signature: TypeAlias = tuple[int, int, int] | None


def forked_on_demand(environ: MutableMapping[str, str]) -> None:
    """Return at once where nobody asks for forks, else once in each fork: never in the process that forks."""
    number = environ.pop("TOWPATH_FORK_FD", "")
    try:
        asking = socket.socket(fileno=int(number))
    except (ValueError, OSError):
        return
    if asking.type == socket.SOCK_SEQPACKET and _can_be_forked(asking):
        imported = _signatures(file for module in list(sys.modules.values()) if (file := _file(module)))
        began = _began_ns()
        # What was written since would be taken for what was imported.
        if all(signature is None or signature[0] < began for signature in imported.values()):
            _Forking(asking, imported).run()
    asking.close()


def _can_be_forked(asking: socket.socket) -> bool:
    """Whether forks would be as good as new: no thread and no child works for this process, and nothing is open."""
    try:
        os.close(os.pidfd_open(os.getpid()))
        files = os.listdir("/proc/self/fd")  # noqa: PTH208 - numbers, no paths
        threads = [(thread / "comm").read_text().strip() for thread in Path("/proc/self/task").iterdir()]
    except (AttributeError, OSError):  # no Linux, or one of before 2019
        return False
    ours = {*_STANDARD, asking.fileno()}
    return (
        len([name for name in threads if name != _ALLOCATOR]) == 1
        and not any(_is_open(number) for number in map(int, files) if number not in ours)
        and not _has_children()
    )


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:  # it was that of the listing
        return False
    return True


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _began_ns() -> float:
    """When this process had just begun, in ns since the epoch."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return (time.time() - age + _BEGINNING_SECONDS) * 1e9


def _file(module: Any) -> str | None:
    return getattr(module, "__file__", None)


def _signatures(files: Iterable[str]) -> Mapping[str, _Signature]:
    """Return what tells whether one of the files was written or replaced; None for one that is not there."""
    return {file: _signature(file) for file in files}


def _signature(file: str) -> _Signature:
    try:
        found = os.stat(file)  # noqa: PTH116 - a Path for each of hundreds would cost the most
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Forking:
    """Forks as long as somebody asks, and says how each fork ended."""

    def __init__(self, asking: socket.socket, imported: Mapping[str, _Signature]) -> None:
        self._asking = asking
        self._imported = imported
        self._forks: dict[int, tuple[int, int]] = {}
        self._name = ""
        self._handlers: dict[int, Any] = {}

    def run(self) -> None:
        """Return in each fork; this process ends when nobody asks any more, or for a minute."""
        self._prepare()
        while True:
            polled = select.poll()
            for descriptor in (self._asking.fileno(), *self._forks):
                polled.register(descriptor, select.POLLIN)
            ready = {number for number, _ in polled.poll(None if self._forks else _IDLE_SECONDS * 1000)}
            if not ready:
                os._exit(0)
            for descriptor in ready & self._forks.keys():
                self._tell_end(descriptor)
            if self._asking.fileno() in ready and self._forked():
                return

    def _prepare(self) -> None:
        with suppress(OSError):
            self._name = _NAME.read_text().rstrip("\n")
            _NAME.write_text(_NAMED)
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()
        # Who stops all of a service at once means the forks: this one ends when its launcher does. And of their ends
        # nobody would hear where an author wants to hear of no child's.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, signal.SIG_IGN)
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for place in _STANDARD:  # they are the first fork's
            os.dup2(null, place)
        os.close(null)
        gc.collect()
        gc.freeze()
        self._say(ready=True)

    def _forked(self) -> bool:
        """Do what is asked for; true in the fork."""
        try:
            asked, files, _, _ = socket.recv_fds(self._asking, _ASKED_BYTES, len(_STANDARD))
        except ConnectionError:
            os._exit(0)
        if not asked:
            os._exit(0)
        wanted = json.loads(asked)
        if _signatures(self._imported) != self._imported:
            self._say(id=wanted["id"], changed=True)
        elif (pid := _fork()) == 0:
            self._become(wanted["environ"], files)
            self._say(id=wanted["id"], pid=os.getpid())
            return True
        else:
            self._watch(pid, wanted["id"])
        for file in files:
            os.close(file)
        return False

    def _become(self, environ: Mapping[str, str | None], files: Sequence[int]) -> None:
        """Have what a process has that was started anew."""
        os.setsid()
        for place, file in zip(_STANDARD, files, strict=True):
            os.dup2(file, place)
        for file in (*files, *self._forks):
            os.close(file)
        for number, handler in self._handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
        with suppress(OSError):
            _NAME.write_text(self._name)
        for name, value in environ.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def _watch(self, pid: int | None, identifier: int) -> None:
        if pid is None:
            self._say(id=identifier, code=_NOT_FORKED)
            return
        try:
            self._forks[os.pidfd_open(pid)] = (pid, identifier)
        except OSError:  # there are as many descriptors as may be
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._say(id=identifier, code=-signal.SIGKILL)

    def _tell_end(self, descriptor: int) -> None:
        pid, identifier = self._forks.pop(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        self._say(id=identifier, code=os.waitstatus_to_exitcode(status))

    def _say(self, **words: Any) -> None:
        try:
            self._asking.send(json.dumps(words).encode())
        except ConnectionError:
            os._exit(0)


def _fork() -> int | None:
    """Fork; None when there is no memory for it, or there are as many processes as may be."""
    try:
        return os.fork()
    except OSError:
        return None
