"""The `towpath` command as tests use it: in this process for speed, in a terminal of its own where that matters."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from unittest.mock import patch

from stack import Finished, Stack
from towpath_cli.__main__ import run

__all__ = ["Prompt", "Terminal", "run_here"]


def run_here(*arguments: str, environ: Mapping[str, str], stdin: str = "") -> Finished:
    """Run `towpath` in this process with exactly that environment; output goes to no terminal."""
    # Not StringIO: standard output has a `buffer` too, and click uses it.
    out, err = io.BytesIO(), io.BytesIO()
    text_out, text_err = (io.TextIOWrapper(raw, encoding="utf-8", write_through=True) for raw in (out, err))
    with (
        patch.dict(os.environ, environ, clear=True),
        patch("sys.stdin", io.StringIO(stdin)),
        redirect_stdout(text_out),
        redirect_stderr(text_err),
    ):
        try:
            code = run(list(arguments))
        except SystemExit as end:  # click's way to end a completion
            code = int(str(end.code or 0))
    return Finished(code, out.getvalue().decode(), err.getvalue().decode())


@dataclass(frozen=True)
class Prompt:
    """Runs commands against one stack. A command that prints a traceback fails the test, whatever else it does."""

    stack: Stack
    environ: Mapping[str, str] = field(default_factory=dict[str, str])

    def __call__(self, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Finished:
        """Run a command, whatever becomes of it."""
        wanted = self.stack.command_environ({**self.environ, **(environ or {})})
        done = run_here(*arguments, environ=wanted, stdin=stdin)
        assert "Traceback" not in done.err, done.err
        return done

    def ok(self, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Finished:
        """Run a command that must succeed."""
        done = self(*arguments, environ=environ, stdin=stdin)
        assert done.code == 0, f"{arguments} ended with {done.code}:\n{done.out}\n{done.err}"
        return done

    def fails(self, code: int, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run a command that must end with `code`; return what it wrote to standard error, which is never nothing."""
        done = self(*arguments, environ=environ, stdin=stdin)
        assert done.code == code, f"{arguments} ended with {done.code}:\n{done.out}\n{done.err}"
        assert done.err.startswith("error: ") or "\nerror: " in done.err, done.err
        return done.err


class Terminal:
    """The installed `towpath` in a pseudo-terminal; what it drew is in `drawn`."""

    def __init__(self, stack: Stack, *arguments: str, columns: int = 100) -> None:
        self._screen, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        os.set_blocking(self._screen, False)
        self.drawn = ""
        self._process = subprocess.Popen(
            stack.command(*arguments),
            env={**stack.command_environ(), "TERM": "xterm-256color"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Wait until `text` was drawn."""
        deadline = time.monotonic() + seconds
        while text not in self.drawn:
            self._read()
            assert time.monotonic() < deadline, f"`{text}` was not drawn:\n{self.drawn}"
            time.sleep(0.02)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for the end of the command; return its exit code."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            self._read()
            assert time.monotonic() < deadline, f"the command did not end:\n{self.drawn}"
            time.sleep(0.02)
        self._read()
        os.close(self._screen)
        return self._process.returncode

    def _read(self) -> None:
        # The other side of a pseudo-terminal that is closed reads as an I/O error.
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._screen, 65536):
                self.drawn += data.decode(errors="replace")
