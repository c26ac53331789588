# ruff: noqa: ARG002 - the signatures are the SDK's
"""A call that is cancelled is over at once, wherever the author's code blocks; and the process goes on serving."""

from __future__ import annotations

import importlib
import itertools
import logging
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pyarrow as pa
import pytest
from sdk_blocking import THINGS, blocked_read, blocking_source, eventually, notes_of
from sdk_yielding import Yielding
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc
from towpath_sdk import Cancelled, Config, Context, ReadStream, Record, Stream, Unavailable
from towpath_sdk.testing import ConnectorProcess, ReadSession, connector_under_test

HOWS = ["sleep", "queue", "socket", "hooked socket", "wait", "loop"]


@pytest.fixture(scope="module")
def source() -> Iterator[ConnectorProcess]:
    """One process: a call that blocks for ever must not harm the next one."""
    with blocking_source() as connector:
        yield connector


@pytest.mark.parametrize("how", HOWS)
def test_cancelled_call_is_over_at_once(source: ConnectorProcess, tmp_path: Path, how: str) -> None:
    """A user who cancels waits for seconds, not for a driver's timeout."""
    session = blocked_read(source, tmp_path / "notes", how, seconds=60)
    began = time.monotonic()
    session.cancel()
    with pytest.raises(Cancelled):
        session.receive()
    assert time.monotonic() - began < 5
    assert source.spec().connector_version == "0.1.0"
    assert source.alive


@pytest.mark.parametrize("how", ["hooked socket", "wait", "loop"])
def test_author_cleans_up_after_a_cancellation(source: ConnectorProcess, tmp_path: Path, how: str) -> None:
    """Connections and files are closed by the author's own `with` and `finally`."""
    session = blocked_read(source, tmp_path / "notes", how)
    session.cancel()
    eventually(lambda: "cleaned up" in notes_of(tmp_path / "notes"))
    ended = {"hooked socket": "ConnectionResetError", "wait": "Cancelled", "loop": "Interrupted"}[how]
    assert notes_of(tmp_path / "notes") == ["began", ended, "cleaned up"]


def test_call_that_blocks_outside_of_python_ends_when_it_returns(source: ConnectorProcess, tmp_path: Path) -> None:
    """Nobody can wake `time.sleep`; the thread ends at the first line of Python after it."""
    session = blocked_read(source, tmp_path / "notes", "sleep", seconds=1.0)
    session.cancel()
    eventually(lambda: "cleaned up" in notes_of(tmp_path / "notes"))
    assert notes_of(tmp_path / "notes") == ["began", "Interrupted", "cleaned up"]


def test_author_who_yields_to_a_call_that_is_gone_is_stopped(source: ConnectorProcess, tmp_path: Path) -> None:
    """A generator that never looks at its context would read the whole table for nobody."""
    session = blocked_read(source, tmp_path / "notes", "never")
    session.cancel()
    eventually(lambda: "cleaned up" in notes_of(tmp_path / "notes"))
    assert notes_of(tmp_path / "notes") == ["began", "GeneratorExit", "cleaned up"]


@pytest.mark.parametrize("how", ["sleep", "wait"])
def test_deadline_ends_a_call(source: ConnectorProcess, tmp_path: Path, how: str) -> None:
    """A deadline that the connector does not keep would hold the worker's place for ever."""
    began = time.monotonic()
    config = {"how": how, "notes": str(tmp_path / "notes"), "seconds": 60}
    session = source.open_read(config, THINGS, deadline=0.5)
    with pytest.raises(Unavailable) as late:
        list(session)
    assert 0.4 < time.monotonic() - began < 5
    assert late.value.reason == "DEADLINE_EXCEEDED"
    assert source.spec().connector_version == "0.1.0"


def test_interrupt_runs_only_while_its_block_does() -> None:
    """An interrupt that ran late would close the connection of the next statement."""
    ran: list[str] = []
    woken = threading.Event()

    def produce(_stream: ReadStream, context: Context) -> Iterator[Record]:
        with context.on_cancel(lambda: ran.append("left")):
            yield {"n": 1}
        with context.on_cancel(woken.set), context.on_cancel(lambda: ran.append("inner")):
            context.log("info", "inside")
            woken.wait(20)

    with connector_under_test(Yielding(produce)) as connector:
        session = connector.open_read({}, THINGS)
        eventually(lambda: _next_kind(session) == "log")
        session.cancel()
        eventually(lambda: connector.running_threads == 0)
    assert ran == ["inner"]
    assert woken.is_set()


@pytest.mark.parametrize("what", ["import", "log handler", "lock"])
def test_what_all_calls_share_is_never_left_in_between(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that was cancelled in the middle of an import, a log line or a lock would break all that follow it."""
    (tmp_path / "imported_slowly.py").write_text("import time\nfor _ in range(100):\n    time.sleep(0.01)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    condition = threading.Condition(_SlowLock())  # type: ignore[arg-type]
    logger = logging.getLogger("slow")
    handler = _SlowHandler()
    monkeypatch.setattr(logger, "handlers", [handler])
    ended: list[BaseException] = []

    def share() -> None:
        if what == "import":
            importlib.import_module("imported_slowly")
        elif what == "log handler":
            logger.warning("slowly")
        else:
            with condition:
                time.sleep(0.05)
        while True:
            time.sleep(0.01)

    def produce(_stream: ReadStream, context: Context) -> Iterator[Record]:
        context.log("info", "inside")
        try:
            share()
        except BaseException as error:
            ended.append(error)
            raise
        yield {"n": 1}

    with connector_under_test(Yielding(produce)) as connector:
        session = connector.open_read({}, THINGS)
        eventually(lambda: _next_kind(session) == "log")
        session.cancel()
        eventually(lambda: connector.running_threads == 0)
    assert [type(error).__name__ for error in ended] == ["Interrupted"]
    monkeypatch.delitem(sys.modules, "imported_slowly", raising=what == "import")
    assert handler.written == (["slowly"] if what == "log handler" else [])
    with condition:
        logger.warning("another")
    assert handler.written[-1] == "another"


def test_interrupt_that_raises_does_not_keep_the_others_from_running() -> None:
    """One broken clean-up must not leave a statement running at the database."""
    woken = threading.Event()

    def broken() -> None:
        raise RuntimeError("broken")

    def produce(_stream: ReadStream, context: Context) -> Iterator[Record]:
        with context.on_cancel(woken.set), context.on_cancel(broken):
            context.log("info", "inside")
            woken.wait(20)
        yield {"n": 1}

    with connector_under_test(Yielding(produce)) as connector:
        session = connector.open_read({}, THINGS)
        eventually(lambda: _next_kind(session) == "log")
        session.cancel()
        eventually(lambda: connector.running_threads == 0)
    assert woken.is_set()


def test_discover_that_nobody_waits_for_ends() -> None:
    """A catalogue of a million tables is long, and the user has closed the page."""

    class Endless(Yielding):
        def discover(self, config: Config) -> Iterator[Stream]:
            for n in itertools.count():
                yield Stream(f"things {n}", {"n": pa.int64()})

    with connector_under_test(Endless(lambda _stream, _context: [])) as connector:
        with grpc.insecure_channel(connector.address) as channel:
            pages = connector_pb2_grpc.ConnectorServiceStub(channel).Discover(
                connector_pb2.DiscoverRequest(config_json="{}"), timeout=20
            )
            assert len(next(pages).streams) == 500
            assert connector.running_threads == 1
            pages.cancel()
        eventually(lambda: connector.running_threads == 0)


def _take_long() -> None:
    for _ in range(60):
        time.sleep(0.01)


class _SlowHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        _take_long()
        self.written.append(record.getMessage())


class _SlowLock:
    """A lock whose Python code takes as long as a thread may have to wait for the interpreter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> None:
        assert self._lock.acquire(timeout=5), "nobody gave it back"
        _take_long()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _next_kind(session: ReadSession) -> str | None:
    response = session.receive()
    return None if response is None else response.WhichOneof("message")
