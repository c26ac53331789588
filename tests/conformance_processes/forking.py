"""Forks connectors: `python -m conformance_processes.forking MODULE`, with a socket for its standard input.

MODULE has one program, called `main`, or many, by their names in `PROGRAMS`.

A connector's start is half a second of imports, and the judge starts hundreds. Here they are done once; each connector
is a process of its own all the same, which leads its session and has memory, threads and descriptors like any other.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence

__all__ = ["main"]

_ASKED_BYTES = 1 << 20
_FILES = 3


def main(module: str) -> None:
    """Fork whenever it is asked for, until nobody can ask any more."""
    imported = vars(importlib.import_module(module))
    programs: Mapping[str, Callable[[], None]] = imported.get("PROGRAMS") or {"main": imported["main"]}
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who watch a connector are not waited for
    with socket.socket(fileno=os.dup(0)) as asking:
        while True:
            asked, files, _, _ = socket.recv_fds(asking, _ASKED_BYTES, _FILES)
            if not asked:
                return
            if os.fork() == 0:
                asking.close()
                _watch(programs, json.loads(asked), files)
            for file in files:
                os.close(file)


def _watch(programs: Mapping[str, Callable[[], None]], asked: Mapping[str, str], files: Sequence[int]) -> None:
    """Fork the connector; say its number, and how it ended."""
    *files, told = files
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connector = os.fork()
    if connector == 0:
        os.close(told)
        _become(asked, *files)
        programs[asked["program"]]()
        sys.exit()
    for file in (0, 1, 2, *files):
        os.close(file)
    os.write(told, b"%d\n" % connector)
    code = os.waitstatus_to_exitcode(os.waitpid(connector, 0)[1])
    os.write(told, b"%d\n" % code)
    os._exit(0)


def _become(asked: Mapping[str, str], stdin: int, output: int) -> None:
    """Have what a command has that is started anew."""
    os.setsid()
    for file, place in ((stdin, 0), (output, 1), (output, 2)):
        os.dup2(file, place)
    os.close(stdin)
    os.close(output)
    os.environ.clear()
    os.environ.update(json.loads(asked["environ"]))
    tempfile.tempdir = None
    sys.argv = [asked["program"]]


if __name__ == "__main__":
    main(sys.argv[1])
