"""An asyncio loop in a thread of its own, for tests that are synchronous."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from towpath_sdk.errors import Unavailable

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """Runs coroutines on a loop in the background."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="towpath-testing", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine to its end, from another thread. Raises Unavailable (TIMEOUT) after `timeout` seconds."""
        abandoned = threading.Event()
        future = asyncio.run_coroutine_threadsafe(_unless(abandoned, work), self._loop)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise
            abandoned.set()
            future.cancel()
            raise Unavailable(f"nothing happened within {timeout:g} s", reason="TIMEOUT") from None

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _unless(abandoned: threading.Event, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; what it raises after nobody waits any more is nobody's to hear."""
    try:
        return await work
    except Exception:
        if abandoned.is_set():
            raise asyncio.CancelledError from None
        raise
