"""What a running call can ask of the SDK: whether to stop, and where to log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

__all__ = ["Context"]


class Context(Protocol):
    """Handed to `Source.read` and `Destination.open`. Safe to use from any thread."""

    @property
    def cancelled(self) -> bool:
        """The caller went away or cancelled: raise or return soon; nothing that is yielded now will be delivered."""
        ...

    @property
    def draining(self) -> bool:
        """Stop at the next safe point, yield a checkpoint and return; what was yielded will be delivered."""
        ...

    @property
    def batch_bytes(self) -> int:
        """Size in bytes to aim at for one record batch."""
        ...

    @property
    def attempt(self) -> int:
        """Attempt number; for application names and logs."""
        ...

    def on_cancel(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `interrupt` from another thread when the call is cancelled while the `with` block runs.

        It must wake a blocked call, for instance by cancelling the statement or closing the socket, and return at once.
        """
        ...

    def log(self, level: str, event: str, **attributes: object) -> None:
        """Send one structured line ("debug", "info", "warning", "error") to the job's log; secrets are redacted."""
        ...

    def wait(self, seconds: float) -> None:
        """Sleep, but wake at once (raising Cancelled) when the call is cancelled."""
        ...
