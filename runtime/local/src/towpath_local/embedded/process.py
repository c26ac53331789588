"""A child process that never outlives its parent.

The child runs in a session of its own, so that Ctrl-C in the terminal reaches only the parent, which then stops its
children in order. A second small process, the watchdog, holds the reading end of a pipe whose writing end only the
parent has: when the parent dies in whatever way, `kill -9` included, the kernel closes the pipe, and the watchdog
stops the child. (The kernel's own parent-death signal is Linux only, fires when the *thread* that started the child
ends, and is lost when the child changes its user.)

The child is a shell that waits for a line from the parent before it becomes the program. The watchdog is started
before that line is sent: there is no moment at which the program runs unguarded.

One thread at a time may call the methods of one process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from towpath_local.embedded.errors import ServerExited, ServerNotReady

__all__ = ["Command", "Probe", "SupervisedProcess", "log_tail"]

Probe = Callable[[], str | None]
"""Asks a server whether it serves: None when it does, otherwise why not, in a few words. May block a second or two."""

_GATE = 'read -r _ || exit 125; exec "$@" </dev/null'

_WATCHDOG = """
read -r _ && exit 0
kill -s "$2" "$1" 2>/dev/null
left=$(( $3 * 10 ))
while [ "$left" -gt 0 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; left=$(( left - 1 )); done
kill -s KILL -- "-$1" 2>/dev/null
exit 0
"""

_LOG_LIMIT = 16 * 1024 * 1024
_TAIL_LINES = 20


@dataclass(frozen=True)
class Command:
    """What to run, and how it wants to be stopped.

    Arguments are visible to every user of the machine: secrets belong in `environment` or in files.
    """

    name: str
    """Said in errors: `PostgreSQL`, `towpath-server`."""

    argv: Sequence[str]

    log: Path
    """Receives standard output and error, appended. Beyond 16 MiB the former log is moved to `<name>.1` at start."""

    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Added to the parent's environment."""

    directory: Path = Path("/")
    """Working directory."""

    user: int | None = None
    """Numeric user and group to become, without further groups; None keeps the parent's. Needs root."""

    stop_signal: signal.Signals = signal.SIGTERM
    """Asks for an orderly end."""

    stop_seconds: int = 10
    """How long an orderly end may take before SIGKILL."""

    inherit: Sequence[int] = ()
    """File descriptors that the program keeps open."""


class SupervisedProcess:
    """A running program, from its start to its end; a new start is a new object."""

    def __init__(self, command: Command) -> None:
        """Start `command`.

        Raises OSError when the shell or the log cannot be opened, or the user cannot be changed. A program that
        cannot be executed ends with status 126 or 127 and says so in the log.
        """
        self.command = command
        self._log_offset = _open_log(command.log)
        with command.log.open("ab") as log:
            self._child = self._spawn(log)
            try:
                self._watchdog = self._spawn_watchdog()
            except BaseException:
                self._child.kill()
                self._child.wait()
                raise
        _send_line(self._child)

    @property
    def pid(self) -> int:
        """Process id of the program, which is also the id of its process group and session."""
        return self._child.pid

    def exit_status(self) -> int | None:
        """Return None while the program runs, else its exit status, negative for the number of a signal."""
        status = self._child.poll()
        if status is not None:
            self._stand_down()
        return status

    def wait_until_ready(self, probe: Probe, seconds: float) -> None:
        """Ask `probe` until it returns None.

        Raises ServerExited when the program ends first, and ServerNotReady after `seconds`; the program then still
        runs, and it is the caller who stops it.
        """
        deadline = time.monotonic() + seconds
        pause = 0.02
        while (refusal := probe()) is not None:
            status = self.exit_status()
            if status is not None:
                raise ServerExited(f"{self.command.name} ended with status {status} at start{self._log_excerpt()}")
            if time.monotonic() >= deadline:
                raise ServerNotReady(
                    f"{self.command.name} was not ready after {seconds:g} s: {refusal}{self._log_excerpt()}"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def stop(self) -> int:
        """Ask the program to end, force it after `stop_seconds`, and return its exit status. Repeatable."""
        if self.exit_status() is None:
            self._child.send_signal(self.command.stop_signal)
            try:
                self._child.wait(self.command.stop_seconds)
            except subprocess.TimeoutExpired:
                return self.kill()
        self._stand_down()
        return self._child.wait()

    def kill(self) -> int:
        """End the program and all its descendants with SIGKILL, at once; return its exit status. Repeatable."""
        if self.exit_status() is None:
            # Descendants may have left the process group (PostgreSQL's backends do).
            family = _descendants(self._child.pid)
            os.killpg(self._child.pid, signal.SIGKILL)
            for member in family:
                _kill_quietly(member)
            self._child.wait()
            _wait_for_end(family)
        self._stand_down()
        return self._child.wait()

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = self.command
        return subprocess.Popen(
            ["/bin/sh", "-c", _GATE, "sh", *command.argv],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=command.directory,
            env={**os.environ, **command.environment},
            user=command.user,
            group=command.user,
            extra_groups=None if command.user is None else [],
            start_new_session=True,
            pass_fds=tuple(command.inherit),
        )

    def _spawn_watchdog(self) -> subprocess.Popen[bytes]:
        command = self.command
        stop_signal = command.stop_signal.name.removeprefix("SIG")
        return subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "towpath-watchdog", str(self.pid), stop_signal, str(command.stop_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def _stand_down(self) -> None:
        """Let the watchdog go, so that it cannot signal a stranger who is given the same process id."""
        if self._watchdog.poll() is None:
            _send_line(self._watchdog)
            self._watchdog.wait()

    def _log_excerpt(self) -> str:
        lines = log_tail(self.command.log, self._log_offset)
        if not lines:
            return f"; it logged nothing to {self.command.log}"
        return "\n".join([f"; the end of {self.command.log}:", *(f"  {line}" for line in lines)])


def log_tail(path: Path, offset: int = 0, lines: int = _TAIL_LINES) -> list[str]:
    """Return the last `lines` lines of the log `path` after byte `offset`; undecodable bytes are replaced."""
    with path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(offset, size - 64 * 1024))
        return log.read().decode(errors="replace").splitlines()[-lines:]


def _open_log(path: Path) -> int:
    """Make sure that the log can be appended to; return its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_name(f"{path.name}.1"))
    path.touch(mode=0o600)
    return path.stat().st_size


def _send_line(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(b"\n")
        process.stdin.close()
    except BrokenPipeError:
        # It ended meanwhile: whoever waits for it sees the status.
        return


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill_quietly(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _wait_for_end(processes: list[psutil.Process], seconds: float = 5.0) -> None:
    """Wait until none of `processes` runs; those that the system's first process has not reaped yet do not count."""
    deadline = time.monotonic() + seconds
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
