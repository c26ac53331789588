"""Tells those who wait in this process that something changed; those in other servers find out by looking again."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict

from towpath_sdk.errors import Unavailable

__all__ = ["LOOK_AGAIN_SECONDS", "Changes"]

LOOK_AGAIN_SECONDS = 0.25
"""How long a waiter waits for word before it looks at the database: another server may have made the change."""


class Changes:
    """One event per key, such as a job id or a task id. After `stop` nobody waits any more: the server goes down."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._stopping = False

    def notify(self, key: str) -> None:
        """Wake whoever waits for `key`."""
        for event in self._waiters.get(key, ()):
            event.set()

    def stop(self) -> None:
        """Let everybody who waits, now or later, fail with Unavailable."""
        self._stopping = True
        for key in list(self._waiters):
            self.notify(key)

    async def wait(self, key: str) -> None:
        """Return when `key` changes, at the latest after LOOK_AGAIN_SECONDS. Raises Unavailable after `stop`."""
        self._check_stop()
        event = asyncio.Event()
        self._waiters[key].add(event)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await event.wait()
        finally:
            self._waiters[key].discard(event)
            if not self._waiters[key]:
                del self._waiters[key]
        self._check_stop()

    def _check_stop(self) -> None:
        if self._stopping:
            raise Unavailable("the server is stopping; call again", reason="SERVER_STOPPING")
