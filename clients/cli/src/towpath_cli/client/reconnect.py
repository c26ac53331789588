"""When to open a broken stream again: after 250, 500, 1000, then every 2000 milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from towpath_sdk.errors import Unavailable

__all__ = ["Backoff"]

_PAUSES = (0.25, 0.5, 1.0, 2.0)
_FIRST_CONTACT_TRIES = 4


class Backoff:
    """Pauses between tries. A stream that never delivered anything is given up after four tries: there is no server."""

    def __init__(self) -> None:
        self._tries = 0
        self._delivered = False

    def reset(self) -> None:
        """Note that the stream delivers: from now on it is always tried again, beginning with the shortest pause."""
        self._tries = 0
        self._delivered = True

    def wait(self, error: Unavailable, on_retry: Callable[[Unavailable, float], None] | None) -> None:
        """Sleep before the next try. Raises `error` when there is no point in one."""
        if not self._delivered and self._tries >= _FIRST_CONTACT_TRIES:
            raise error
        pause = _PAUSES[min(self._tries, len(_PAUSES) - 1)]
        self._tries += 1
        if on_retry is not None:
            on_retry(error, pause)
        time.sleep(pause)
