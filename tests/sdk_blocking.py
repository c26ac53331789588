"""Reads that block: those of the blocking source, with the notes that it leaves, and one that a test cancels."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from sdk_yielding import Yielding
from towpath_sdk import Context, ReadMode, ReadStream, Record, StreamName
from towpath_sdk.testing import (
    ConnectorCalls,
    ConnectorProcess,
    ReadSession,
    connector_process,
    connector_under_test,
)

__all__ = ["PROGRAM", "THINGS", "blocked_read", "blocking_source", "cancel_when_it_logs", "eventually", "notes_of"]

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


def cancel_when_it_logs(produce: Callable[[ReadStream, Context], Iterator[Record]]) -> None:
    """Read from a source that yields what `produce` does; cancel once it has logged, and wait for its thread's end."""

    def kind(session: ReadSession) -> str | None:
        response = session.receive()
        return None if response is None else response.WhichOneof("message")

    with connector_under_test(Yielding(produce)) as connector:
        session = connector.open_read({}, THINGS)
        eventually(lambda: kind(session) == "log")
        session.cancel()
        eventually(lambda: connector.running_threads == 0)
