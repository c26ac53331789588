"""A context that hears of no cancellation."""

from __future__ import annotations

import time
from typing import Any

from towpath_sdk import Context

__all__ = ["Deaf"]

_SECONDS = 3600.0


class Deaf:
    """A context that does not say that the call was cancelled."""

    cancelled = False

    def __init__(self, context: Context) -> None:
        self._context = context

    def wait(self, seconds: float) -> None:
        """Wait where no exception reaches the thread, much longer than it should."""
        time.sleep(max(seconds, _SECONDS))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)
