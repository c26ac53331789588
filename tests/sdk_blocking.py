"""The blocking source as a process, and the notes that it leaves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk.testing import ConnectorCalls, ConnectorProcess, ReadSession, connector_process

__all__ = ["PROGRAM", "THINGS", "blocked_read", "blocking_source", "eventually", "notes_of"]

PROGRAM = Path(__file__).parent / "sdk" / "connectors" / "blocking_source.py"
THINGS = ReadStream(StreamName("", "things"), ReadMode.INCREMENTAL)


def blocking_source(environment: Mapping[str, str] | None = None) -> AbstractContextManager[ConnectorProcess]:
    """Start the source as a process."""
    return connector_process(sys.executable, PROGRAM, environment=environment, timeout=20)


def blocked_read(connector: ConnectorCalls, notes: Path, how: str, seconds: float = 3600) -> ReadSession:
    """Open a read, and return once its first checkpoint has come and the author's code is blocked."""
    session = connector.open_read({"how": how, "notes": str(notes), "seconds": seconds}, THINGS)
    while session.last_checkpoint_seq < 1:
        session.receive()
    eventually(lambda: "began" in notes_of(notes))
    return session


def notes_of(notes: Path) -> list[str]:
    """Return what the author's code has noted."""
    return notes.read_text().split("\n")[:-1] if notes.exists() else []


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until a condition holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
