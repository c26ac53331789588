# ruff: noqa: ARG002 - the signatures are the SDK's
"""A call that is cancelled is over at once, wherever the author's code blocks; and the process goes on serving."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pyarrow as pa
import pytest
from sdk_blocking import THINGS, blocked_read, blocking_source, cancel_when_it_logs, eventually, notes_of
from sdk_yielding import Yielding
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc
from towpath_sdk import Cancelled, Config, Context, ReadStream, Record, Stream, Unavailable
from towpath_sdk.testing import ConnectorProcess, connector_under_test

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

    cancel_when_it_logs(produce)
    assert ran == ["inner"]
    assert woken.is_set()


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

    cancel_when_it_logs(produce)
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
