"""The messages of a check, so that a failing one can show exactly what was said.

Whatever a check sends or receives is noted in the exchange of the task that runs it. What several checks share (a
recording of a read, say) keeps an exchange of its own, which is appended to that of each check that looks at it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from google.protobuf.message import Message
from towpath_sdk.redaction import Redactor

from towpath_conformance.shown import said

__all__ = ["Exchange", "concealing", "current_exchange", "noting"]

_KEPT = 400


@dataclass
class Exchange:
    """The newest messages, each as (seconds since the start, line)."""

    began: float = field(default_factory=time.monotonic)
    lines: deque[tuple[float, str]] = field(default_factory=lambda: deque[tuple[float, str]](maxlen=_KEPT))

    def note(self, arrow: str, method: str, message: Message | bytes | str) -> None:
        """Note one message; `arrow` is `->` to the connector, `<-` from it, `--` for what is no message."""
        self.lines.append((time.monotonic(), f"{arrow} {method} {said(message, _redactor.get())}"))

    def extend(self, other: Exchange) -> None:
        """Append what another exchange holds."""
        self.lines.extend(line for line in other.lines if line not in self.lines)

    def text(self) -> tuple[str, ...]:
        """The messages as lines of text."""
        return tuple(f"{at - self.began:8.3f} s {line}" for at, line in self.lines)


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
_redactor: ContextVar[Redactor] = ContextVar("redactor", default=Redactor())  # noqa: B039 it cannot be changed


def current_exchange() -> Exchange:
    """The exchange of the running check; one that nobody reads outside of any."""
    return _current.get() or Exchange()


@contextmanager
def noting(exchange: Exchange) -> Generator[Exchange]:
    """Note what is exchanged within the block, and in tasks begun there, in `exchange`."""
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)


@contextmanager
def concealing(redactor: Redactor) -> Generator[None]:
    """Mask these secrets in whatever is noted within the block, and in tasks begun there."""
    token = _redactor.set(redactor)
    try:
        yield
    finally:
        _redactor.reset(token)
