"""The `Context` that author code gets: cancellation, draining, and the job's log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from towpath_sdk.errors import Cancelled

__all__ = ["CallContext"]

_HOOK_TIMEOUT_SECONDS = 5.0


class _Hook:
    """An interrupt that runs only while its `with` block does."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._active = True
        self._lock = threading.Lock()

    def run(self) -> None:
        with self._lock:
            if self._active:
                self._interrupt()

    def leave(self) -> None:
        """Wait for a running interrupt, within reason: what it interrupts is about to be closed."""
        held = self._lock.acquire(timeout=_HOOK_TIMEOUT_SECONDS)
        self._active = False
        if held:
            self._lock.release()


class CallContext:
    """State of one call. The loop cancels and drains; the author's threads look."""

    def __init__(
        self,
        *,
        batch_bytes: int = 0,
        attempt: int = 0,
        log: Callable[[str, str, dict[str, object]], None] | None = None,
        on_hook_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._batch_bytes = batch_bytes
        self._attempt = attempt
        self._log = log
        self._on_hook_failure = on_hook_failure
        self._cancelled = threading.Event()
        self._draining = threading.Event()
        self._hooks: list[_Hook] = []
        self._lock = threading.Lock()
        self.drain_noticed = False
        """The author asked whether to drain and was told to: what ends now, ends early."""

    @property
    def cancelled(self) -> bool:
        """The call is over; see `Context.cancelled`."""
        return self._cancelled.is_set()

    @property
    def draining(self) -> bool:
        """Stop at the next safe point; see `Context.draining`."""
        if self._draining.is_set():
            self.drain_noticed = True
            return True
        return False

    @property
    def drain_requested(self) -> bool:
        """As `draining`, but for the SDK's own eyes."""
        return self._draining.is_set()

    @property
    def batch_bytes(self) -> int:
        """Bytes to aim at for one record batch."""
        return self._batch_bytes

    @property
    def attempt(self) -> int:
        """Attempt number."""
        return self._attempt

    @contextmanager
    def on_cancel(self, interrupt: Callable[[], None]) -> Generator[None]:
        """Call `interrupt` upon cancellation; see `Context.on_cancel`. Raises Cancelled when it is too late."""
        hook = _Hook(interrupt)
        with self._lock:
            if self._cancelled.is_set():
                raise Cancelled("the call was cancelled")
            self._hooks.append(hook)
        try:
            yield
        finally:
            with self._lock:
                self._hooks.remove(hook)
            hook.leave()

    def log(self, level: str, event: str, **attributes: object) -> None:
        """Send one line to the job's log; see `Context.log`."""
        if self._log is not None:
            self._log(level, event, attributes)

    def wait(self, seconds: float) -> None:
        """Sleep unless cancelled; see `Context.wait`."""
        if self._cancelled.wait(seconds):
            raise Cancelled("the call was cancelled")

    def drain(self) -> None:
        """Ask the author to stop at the next safe point."""
        self._draining.set()

    def cancel(self) -> None:
        """Tell the author that the call is over, and run the interrupts in a thread of their own."""
        with self._lock:
            if self._cancelled.is_set():
                return
            self._cancelled.set()
            hooks = list(self._hooks)
        if hooks:
            threading.Thread(target=self._run_hooks, args=(hooks,), name="towpath-interrupt", daemon=True).start()

    def _run_hooks(self, hooks: list[_Hook]) -> None:
        for hook in reversed(hooks):
            try:
                hook.run()
            except BaseException as error:  # noqa: BLE001 an interrupt is author code; the others have to run
                if self._on_hook_failure is not None:
                    self._on_hook_failure(error)
