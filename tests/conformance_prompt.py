"""`towpath conformance` as an author runs it, in a folder with a case file: in this process, for speed."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import yaml
from cli_prompt import run_here
from stack import Finished

__all__ = ["PASSWORD", "Prompt", "in_terminal", "program"]

PASSWORD = 'c4nary/"quoted" pässword'
"""What no report may show, in none of its spellings."""

_SECONDS = 120


def program(defect: str = "good") -> str:
    """The command that starts the connector of `conformance_program`."""
    return shlex.join([sys.executable, str(Path(__file__).with_name("conformance_program.py")), defect])


@dataclass
class Prompt:
    """A folder with a case file, and the command in it."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        (self.folder / "lines.txt").write_text("".join(f"line {number}\n" for number in range(250)))
        self.write_case()

    def write_case(self, **more: object) -> None:
        """Write the case file; `more` is added to what it takes to be judged."""
        config = {"path": str(self.folder / "lines.txt"), "password": "${LINES_PASSWORD}"}
        case = {"config": config, "source": {"streams": [{"name": "lines"}]}, "patience": {"ready_seconds": 60}, **more}
        (self.folder / "conformance.yaml").write_text(yaml.safe_dump(case))

    def argv(self, *arguments: str) -> list[str]:
        """The command line of a process of its own."""
        return [sys.executable, "-m", "towpath_cli", "conformance", *arguments]

    def env(self) -> dict[str, str]:
        """The environment of the command."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
        return {**inherited, "LINES_PASSWORD": PASSWORD, **self.environ}

    def __call__(self, *arguments: str) -> Finished:
        """Run it to its end; a traceback fails the test."""
        with chdir(self.folder), patch("sys.path", [*sys.path]):
            done = run_here("conformance", *arguments, environ=self.env())
        assert "Traceback" not in done.err, done.err
        return done

    def judge(self, defect: str, *arguments: str) -> Finished:
        """Judge the connector with that defect."""
        return self("--command", program(defect), *arguments)


def in_terminal(argv: Sequence[str], environ: Mapping[str, str], folder: Path) -> tuple[str, int]:
    """Run a command in a pseudo-terminal of 120 columns; return all that it drew, and its exit code."""
    screen, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with subprocess.Popen(
        argv, cwd=folder, env={**environ, "TERM": "xterm-256color"}, stdin=inner, stdout=inner, stderr=inner
    ) as running:
        os.close(inner)
        drawn = b""
        # The other side of a pseudo-terminal that is closed reads as an I/O error.
        with suppress(OSError):
            while data := os.read(screen, 65536):
                drawn += data
        os.close(screen)
        code = running.wait(_SECONDS)
    return drawn.decode(errors="replace"), code
