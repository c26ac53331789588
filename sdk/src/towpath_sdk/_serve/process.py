"""The connector as a process: signals, the parent's pipe, and the exit, whatever the author's threads are doing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from towpath_sdk import traces
from towpath_sdk._serve.identity import Connector
from towpath_sdk._serve.server import ConnectorServer
from towpath_sdk._serve.settings import Settings
from towpath_sdk.redaction import KnownSecrets

__all__ = ["run_process"]

_log = logging.getLogger("towpath_sdk")

_ORPHAN_SECONDS = 0.6
_THREADS_SECONDS = 1.0
_SPANS_SECONDS = 0.5
"""A launcher waits no longer than two seconds for all of the end, and takes spans at once."""


def run_process(connector: Connector, settings: Settings, secrets: KnownSecrets) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the parent; returns only when no thread of the author's is left.

    Raises Misconfigured when the address cannot be used.
    """
    left_over = asyncio.run(_serve(connector, settings, secrets))
    if left_over:
        # Threads blocked outside of Python cannot be ended, and finalizing the interpreter under them may crash.
        _log.warning("leaving blocked threads behind", extra={"threads": left_over})
        _exit(0)


async def _serve(connector: Connector, settings: Settings, secrets: KnownSecrets) -> int:
    loop = asyncio.get_running_loop()
    server = ConnectorServer(connector, settings, secrets)
    await server.start()
    gc.freeze()  # what was imported stays: to look for garbage in it takes a tenth of a second at the exit alone
    stopping: list[asyncio.Task[None]] = []

    def on_signal(name: str) -> None:
        if stopping:
            _log.warning("stopping at once", extra={"signal": name})
            _exit(128 + signal.Signals[name].value)
        stopping.append(loop.create_task(server.drain()))

    def on_orphaned() -> None:
        stopping.append(loop.create_task(server.stop(0)))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    if settings.exit_with_parent:
        threading.Thread(target=_watch_parent, args=(loop, on_orphaned), name="towpath-parent", daemon=True).start()
    await server.wait_stopped()
    for task in stopping:
        await task
    await server.threads_ended(_THREADS_SECONDS)
    traces.stop_traces(_SPANS_SECONDS)
    return server.running_threads


def _watch_parent(loop: asyncio.AbstractEventLoop, on_orphaned: Callable[[], None]) -> None:
    """Wait for the end of standard input, which the parent holds open while it lives; then end, within a second."""
    while True:
        try:
            if not os.read(0, 4096):
                break
        except OSError:
            break
    _log.warning("parent is gone")
    loop.call_soon_threadsafe(on_orphaned)
    time.sleep(_ORPHAN_SECONDS)
    _exit(1)


def _exit(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it may be gone
            stream.flush()
    os._exit(code)
