"""A connector that forks itself: what it imports is imported once, and each start after that takes a tenth of the time.

A launcher that wants it sets TOWPATH_FORK_FD to its end of a socket that keeps messages whole (SOCK_SEQPACKET). The
process then says `{"ready": true}` instead of serving, and forks for each `{"id": …, "environ": {…}}` that comes with
three descriptors: a fork has that environment, these as its standard input, output and error, and a session of its own.
It says `{"id": …, "pid": …}`; when it has ended, the process that forked it says `{"id": …, "code": …}`.

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
import tempfile
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["forked_on_demand"]

_ASKED_BYTES = 1 << 20
_STANDARD = (0, 1, 2)
_IDLE_SECONDS = 60.0
_RENEWED = {"jemalloc_bg_thd"}
"""Threads that a fork starts anew by itself: that of Arrow's allocator."""
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NOT_FORKED = 1
_NAME = "towpath-forks"
"""What `ps -o comm` calls the process that forks; its command line is that of its connectors."""


def forked_on_demand(environ: MutableMapping[str, str]) -> None:
    """Return at once where nobody asks for forks, else once in each fork: never in the process that forks."""
    number = environ.pop("TOWPATH_FORK_FD", "")
    try:
        asking = socket.socket(fileno=int(number))
    except (ValueError, OSError):
        return
    if _can_be_forked(asking):
        _Forking(asking).run()
    asking.close()


def _can_be_forked(asking: socket.socket) -> bool:
    """Whether forks would be as good as new: nobody else works in this process, and it has nothing open to share."""
    try:
        os.close(os.pidfd_open(os.getpid()))
        files = os.listdir("/proc/self/fd")  # noqa: PTH208 - numbers, no paths
        threads = [(thread / "comm").read_text().strip() for thread in Path("/proc/self/task").iterdir()]
    except (AttributeError, OSError):  # no Linux, or one of before 2019
        return False
    others = [name for name in threads if name not in _RENEWED]
    ours = {*_STANDARD, asking.fileno()}
    return len(others) == 1 and not any(_is_open(number) for number in map(int, files) if number not in ours)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:  # it was that of the listing
        return False
    return True


class _Forking:
    """Forks as long as somebody asks, and says how each fork ended."""

    def __init__(self, asking: socket.socket) -> None:
        self._asking = asking
        self._forks: dict[int, tuple[int, int]] = {}
        self._idle_seconds = _IDLE_SECONDS
        self._imported = _imported()
        self._name = Path("/proc/self/comm").read_text().rstrip("\n")
        self._handlers = {number: signal.getsignal(number) for number in _STOPPING}

    def run(self) -> None:
        """Return in each fork; this process ends when nobody asks any more, or for a minute."""
        self._prepare()
        while True:
            polled = select.poll()
            for descriptor in (self._asking.fileno(), *self._forks):
                polled.register(descriptor, select.POLLIN)
            ready = {number for number, _ in polled.poll(None if self._forks else self._idle_seconds * 1000)}
            if not ready:
                self._exit()
            for descriptor in ready & self._forks.keys():
                self._tell_end(descriptor)
            if self._asking.fileno() in ready and self._forked():
                return

    def _prepare(self) -> None:
        for number in self._handlers:
            # Who stops all of a service at once means the forks. This one ends when its launcher does.
            signal.signal(number, signal.SIG_IGN)
        sys.stdout.flush()
        sys.stderr.flush()
        null = os.open(os.devnull, os.O_RDWR)
        for place in _STANDARD:  # they are the first fork's
            os.dup2(null, place)
        os.close(null)
        Path("/proc/self/comm").write_text(_NAME)
        gc.collect()
        gc.freeze()
        self._say(ready=True)

    def _forked(self) -> bool:
        """Do what is asked for; true in the fork."""
        try:
            asked, files, _, _ = socket.recv_fds(self._asking, _ASKED_BYTES, len(_STANDARD))
        except ConnectionError:
            self._exit()
        if not asked:
            self._exit()
        wanted = json.loads(asked)
        try:
            if _imported() != self._imported:
                self._idle_seconds = 0.0
                self._say(id=wanted["id"], code=_NOT_FORKED)
            elif pid := os.fork():
                self._forks[os.pidfd_open(pid)] = (pid, wanted["id"])
            else:
                self._become(wanted["environ"], files)
                self._say(id=wanted["id"], pid=os.getpid())
                return True
        except BlockingIOError:  # there are as many processes as may be
            self._say(id=wanted["id"], code=_NOT_FORKED)
        for file in files:
            os.close(file)
        return False

    def _become(self, environ: Mapping[str, str], files: Sequence[int]) -> None:
        """Have what a process has that was started anew."""
        os.setsid()
        for place, file in zip(_STANDARD, files, strict=True):
            os.dup2(file, place)
        for file in (*files, *self._forks):
            os.close(file)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        Path("/proc/self/comm").write_text(self._name)
        os.environ.clear()
        os.environ.update(environ)
        tempfile.tempdir = None

    def _tell_end(self, descriptor: int) -> None:
        pid, identifier = self._forks.pop(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        self._say(id=identifier, code=os.waitstatus_to_exitcode(status))

    def _say(self, **words: Any) -> None:
        try:
            self._asking.send(json.dumps(words).encode())
        except ConnectionError:
            self._exit()

    def _exit(self) -> NoReturn:
        os._exit(0)


def _imported() -> Mapping[str, int]:
    """When each file that was imported was written last: forks of old code would mix it with new."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    written = dict[str, int]()
    for file in files:
        if file:
            try:
                written[file] = os.stat(file).st_mtime_ns  # noqa: PTH116 - a Path for each would cost the most
            except OSError:
                written[file] = -1
    return written
