"""Follows jobs and their logs while they grow, whichever server the changes come through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

from towpath_sdk.errors import NotFound

from towpath_server.domain.job import JobView
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.use_cases.changes import LOOK_AGAIN_SECONDS, Changes
from towpath_server.use_cases.jobs import view_of
from towpath_server.use_cases.problems import no_such
from towpath_server.use_cases.store import Store

__all__ = ["Follower"]

_LINES_AT_ONCE = 1000


class Follower:
    """Streams what happens to a job. Every stream ends with Unavailable when the server goes down."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    async def watch(self, identifier: str) -> AsyncGenerator[JobView]:
        """Yield a job at once and after every change, at most four times a second, until it has ended."""
        seen = 0
        while True:
            began = time.monotonic()
            async with self._store.read() as records:
                marks = await records.jobs.marks(identifier)
                if marks is None:
                    raise _gone(identifier, known=seen > 0)
                view = await view_of(records, identifier) if marks[0] != seen else None
            if view is not None:
                seen = view.job.revision
                yield view
                if view.job.state.terminal:
                    return
            await self._changes.wait(identifier)
            await asyncio.sleep(max(0.0, began + LOOK_AGAIN_SECONDS - time.monotonic()))

    async def tail(
        self, identifier: str, after: int, minimum: LogLevel | None, *, follow: bool
    ) -> AsyncGenerator[Sequence[LogLine]]:
        """Yield lines after seq `after`; with `follow` until the job has ended and everything was sent."""
        sent = after
        while True:
            async with self._store.read() as records:
                # State before lines: a job that has ended by now has all of the server's lines stored by now.
                marks = await records.jobs.marks(identifier)
                if marks is None:
                    raise _gone(identifier, known=sent > after)
                lines = await records.logs.after(identifier, sent, minimum, _LINES_AT_ONCE)
            if lines:
                sent = lines[-1].seq
                yield lines
            if len(lines) == _LINES_AT_ONCE:
                continue
            if not follow or marks[2].terminal:
                return
            await self._changes.wait(identifier)


def _gone(identifier: str, *, known: bool) -> NotFound:
    if known:
        return NotFound(f"jobs/{identifier} was deleted with its connection", reason="NOT_FOUND")
    return no_such(f"jobs/{identifier}")
