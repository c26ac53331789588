"""Starts connectors in a tenth of the time, as forks of a process that has imported all."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

from towpath_conformance import CommandTarget

__all__ = ["forked"]


class Nursery:
    """One process that forks the connectors of one module. It ends with this one."""

    def __init__(self, module: str) -> None:
        self._asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with asked:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "conformance_processes.forking", module],
                stdin=asked.fileno(),
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            )

    def start(self, command: Sequence[str], *, stdout: IO[bytes], env: Mapping[str, str], **_: Any) -> Process:
        """Do what `subprocess.Popen` does, for a command that ends with the name of a program."""
        stdin, giving = os.pipe()
        told, telling = os.pipe()
        asked = json.dumps({"program": command[-1], "environ": json.dumps(dict(env))})
        socket.send_fds(self._asking, [asked.encode()], [stdin, stdout.fileno(), telling])
        os.close(stdin)
        os.close(telling)
        return Process(os.fdopen(giving, "wb"), os.fdopen(told, "rb", 0))

    def close(self) -> None:
        """Ask for no more, and wait for its end."""
        self._asking.close()
        self._process.wait()


class Process:
    """What a judge knows of a process: as much of `subprocess.Popen` as it uses."""

    def __init__(self, stdin: IO[bytes], told: IO[bytes]) -> None:
        self.stdin = stdin
        self._told = told
        self.pid = int(told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it has ended; None while it has not."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, where there is still somebody to get it."""
        if self.poll() is None:
            os.kill(self.pid, number)


def forked(module: str, program: str = "main") -> CommandTarget:
    """A connector in a process of its own: the module's `main`, or one of its `PROGRAMS`."""
    return CommandTarget(["fork", module, program], popen=_nursery(module).start)


@cache
def _nursery(module: str) -> Nursery:
    """The one of that module; started when it is asked for first."""
    made = Nursery(module)
    atexit.register(made.close)
    return made
