"""What all calls of a process share is never left in between, wherever one of them is when it is cancelled."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sdk_blocking import cancel_when_it_logs
from towpath_sdk import Context, ReadStream, Record


def test_import_comes_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a module would fail every later call that wants it, and its lock would let them hang."""
    (tmp_path / "imported_slowly.py").write_text("import time\nfor _ in range(60):\n    time.sleep(0.01)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    cancelled_in(lambda: importlib.import_module("imported_slowly"))
    monkeypatch.delitem(sys.modules, "imported_slowly")  # fails where it is not there


def test_log_line_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that nobody gave back would stop all who log, and with them the process."""
    logger, handler = logging.getLogger("slow"), _SlowHandler()
    monkeypatch.setattr(logger, "handlers", [handler])
    cancelled_in(lambda: logger.warning("slowly"))
    assert handler.written == ["slowly"]
    assert handler.lock is not None
    assert handler.lock.acquire(timeout=5), "nobody gave it back"


def test_lock_is_given_back() -> None:
    """A pool of connections is shared by all calls, and so is its lock."""
    condition = threading.Condition(_SlowLock())  # type: ignore[arg-type]

    def lock() -> None:
        with condition:
            time.sleep(0.05)

    cancelled_in(lock)
    lock()


def cancelled_in(share: Callable[[], object]) -> None:
    """Cancel a call that is in `share`, which takes longer than it is given; it is interrupted right after it."""
    ended: list[str] = []

    def produce(_stream: ReadStream, context: Context) -> Iterator[Record]:
        context.log("info", "inside")
        try:
            share()
            while True:
                time.sleep(0.01)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        yield {"n": 1}

    cancel_when_it_logs(produce)
    assert ended == ["Interrupted"]


def take_long() -> None:
    """Be in Python's code for longer than it takes until a cancelled call is interrupted."""
    for _ in range(60):
        time.sleep(0.01)


class _SlowHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        take_long()
        self.written.append(record.getMessage())


class _SlowLock:
    """A lock whose Python code takes as long as a thread may have to wait for the interpreter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> None:
        assert self._lock.acquire(timeout=5), "nobody gave it back"
        take_long()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
