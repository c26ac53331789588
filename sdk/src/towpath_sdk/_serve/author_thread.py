"""One thread per call for the author's synchronous code, and what becomes of it when the call is cancelled.

A cancelled call is over at once; its thread gets four chances to end: it looks at `context.cancelled`; its interrupts
run; whatever of the SDK it blocks in raises Cancelled; and after a grace, `Interrupted` is raised in its Python code,
but not where the whole process would suffer (`interrupting.py`). A thread that still lives, because it is blocked
outside of Python, is abandoned: counted, logged, and forgotten when it ends.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.interrupting import Interrupted, interrupt
from towpath_sdk.errors import Throttled

__all__ = ["AuthorCall", "AuthorThreads", "result_of"]

T = TypeVar("T")

_log = logging.getLogger("towpath_sdk")

_INTERRUPT_AFTER_SECONDS = 0.3
_INTERRUPT_AGAIN_SECONDS = 0.01
_ABANDON_AFTER_SECONDS = 5.0


class AuthorCall(Generic[T]):
    """A call that runs `work` in its own thread; `outcome` is settled on the loop when it returns or raises.

    Context variables are those of the call, so that spans and log lines of the author's belong to its trace.
    """

    def __init__(self, name: str, work: Callable[[], T], context: CallContext, on_end: Callable[[], None]) -> None:
        """Create on the loop; `on_end` runs there, just before the outcome is settled."""
        self._loop = asyncio.get_running_loop()
        self._work = work
        self._surroundings = contextvars.copy_context()
        self._on_end = on_end
        self._cancelling: asyncio.Task[None] | None = None
        self.name = name
        self.context = context
        self.outcome: asyncio.Future[T] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=f"towpath-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """The thread has not ended."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """End the call; returns at once. May be repeated."""
        if self._cancelling is None and not self.outcome.done():
            self.context.cancel()
            self._cancelling = self._loop.create_task(self._see_it_end())

    async def ended(self, timeout_seconds: float) -> bool:
        """Wait for the thread to end; False when it did not in time."""
        await asyncio.wait({self.outcome}, timeout=timeout_seconds)
        return self.outcome.done()

    async def _see_it_end(self) -> None:
        if not await self.ended(_INTERRUPT_AFTER_SECONDS):
            await asyncio.gather(self._interrupt(), self._give_up())

    async def _interrupt(self) -> None:
        """Once only: a second exception would strike the clean-up that the first one caused."""
        while not (self.alive and interrupt(self._thread.ident or 0)):
            if await self.ended(_INTERRUPT_AGAIN_SECONDS):
                return

    async def _give_up(self) -> None:
        if not await self.ended(_ABANDON_AFTER_SECONDS):
            _log.warning(
                "thread abandoned",
                extra={"call": self.name, "hint": "it is blocked outside of Python; use context.on_cancel"},
            )

    def _run(self) -> None:
        try:
            try:
                value = self._surroundings.run(self._work)
            except BaseException as error:  # noqa: BLE001 the border between author and SDK: nothing may get lost on it
                self._settle_soon(None, error)
            else:
                self._settle_soon(value, None)
        except Interrupted as late:  # struck after the author's code had ended
            self._settle_soon(None, late)

    def _settle_soon(self, value: T | None, error: BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(lambda: self._settle(value, error))
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _settle(self, value: T | None, error: BaseException | None) -> None:
        if self.outcome.done():
            return
        self._on_end()
        if error is None:
            self.outcome.set_result(cast("T", value))
        else:
            self.outcome.set_exception(_Carried(error))
            self.outcome.exception()  # nobody may be left to look, after a cancellation


class _Carried(Exception):
    """Carries any BaseException through a future, which would refuse StopIteration and let SystemExit stop the loop."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class AuthorThreads:
    """The threads of all calls; refuses more than `limit` of them, abandoned ones included."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: set[AuthorCall[Any]] = set()

    @property
    def alive(self) -> int:
        """Threads that run author code now."""
        return len(self._living())

    def start(
        self, name: str, work: Callable[[], T], context: CallContext, on_end: Callable[[], None] | None = None
    ) -> AuthorCall[T]:
        """Run `work` in a thread. Raises Throttled when there are too many."""
        living = self._living()
        if len(living) >= self._limit:
            raise Throttled(
                f"this connector already runs {len(living)} calls",
                reason="TOO_MANY_CALLS",
                retry_after=timedelta(seconds=1),
            )
        call = AuthorCall(name, work, context, on_end or _nothing)
        self._calls.add(call)
        call.start()
        return call

    async def ended(self, timeout_seconds: float) -> bool:
        """Wait for all threads to end; False when they did not in time."""
        outcomes = {call.outcome for call in self._living()}
        if not outcomes:
            return True
        _, pending = await asyncio.wait(outcomes, timeout=timeout_seconds)
        return not pending

    def drain(self) -> None:
        """Ask every call to stop at its next safe point."""
        for call in self._living():
            call.context.drain()

    def cancel(self) -> None:
        """Cancel every call."""
        for call in self._living():
            call.cancel()

    def _living(self) -> set[AuthorCall[Any]]:
        self._calls = {call for call in self._calls if call.alive}
        return self._calls


def _nothing() -> None:
    return None


async def result_of(call: AuthorCall[T]) -> T:
    """Wait for a call's result; raises what the author's code raised. Who stops waiting cancels the call."""
    try:
        return await asyncio.shield(call.outcome)
    except _Carried as carried:
        raise carried.error from None
    except asyncio.CancelledError:
        call.cancel()
        raise
