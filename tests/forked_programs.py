"""Programs of connectors that are launched as a worker launches them, and what runs of them."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from running_pids import Pids
from towpath_sdk.client import ConnectorClient
from towpath_worker.launch import Launch, ProcessLauncher, RunDir, Running

__all__ = ["WriteProgram", "launch_of", "launcher", "parent", "processes", "program", "run_dir", "title"]

WriteProgram = Callable[..., Path]
"""Writes the program of a connector with a title; `before` is what it does before it serves, `name` its file."""

_PROGRAM = """
    import os, sys, threading, time
    from towpath_sdk import Config, Source, Stream, serve

    class Nothing(Config):
        pass

    class Empty(Source[Nothing]):
        title = "{title}"

        def discover(self, config):
            print("variables", *(os.environ.get(name) for name in ("OF_SCRIPT", "OF_WORKER", "OF_PROGRAM")))
            return []

        def read(self, config, stream, context):
            os._exit(3)

    {before}
    serve(Empty())
"""


@pytest.fixture
def run_dir() -> Iterator[RunDir]:
    """A run folder with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="tf-", dir="/tmp") as short, closing(RunDir.open(Path(short))) as opened:
        yield opened


@pytest.fixture
async def launcher(run_dir: RunDir) -> AsyncIterator[ProcessLauncher]:
    """A launcher; what it keeps must be gone when it is closed."""
    made = ProcessLauncher(run_dir, os.environ, start_timeout=20)
    yield made
    await made.close()
    assert processes(run_dir) == []


@pytest.fixture
def program(tmp_path: Path) -> WriteProgram:
    """Writes programs into one folder."""

    def write(title: str = "Empty", before: str = "", name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(_PROGRAM).format(title=title, before=before))
        return path

    return write


def processes(run_dir: RunDir) -> list[int]:
    """Whatever of this folder's connectors runs, what forks them included."""
    return Pids().started_with("TOWPATH_LISTEN", str(run_dir.path))


def launch_of(program: Path, lines: list[str] | None = None) -> Launch:
    """A launch that keeps the lines which the connector prints; a script is run by what its first line names."""
    command = (sys.executable, str(program)) if program.suffix == ".py" else (str(program),)
    return Launch("source test", command, (lines if lines is not None else []).append)


def parent(running: Running) -> psutil.Process:
    """What started it."""
    found = psutil.Process(running.pid).parent()
    assert found is not None
    return found


async def title(running: Running) -> str:
    """Ask a connector for its title, with its token."""
    async with ConnectorClient(running.address, token=running.token) as client:
        return (await client.spec()).title
