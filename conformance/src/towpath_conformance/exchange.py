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
_SMALL_BYTES = 2048
"""Smaller messages are kept as they are until somebody wants to see them, which most never do."""


@dataclass(frozen=True, eq=False, slots=True)
class _Noted:
    """One message, serialized if it has a kind; `redactor` masks what was secret when it was noted."""

    at: float
    arrow: str
    method: str
    content: bytes | str
    kind: type[Message] | None
    redactor: Redactor

    def line(self) -> str:
        return f"{self.arrow} {self.method} {said(_parsed(self.kind, self.content), self.redactor)}"


@dataclass
class Exchange:
    """The newest messages, which nobody can change any more."""

    began: float = field(default_factory=time.monotonic)
    _noted: deque[_Noted] = field(default_factory=lambda: deque[_Noted](maxlen=_KEPT))

    def note(self, arrow: str, method: str, message: Message | bytes | str, kind: type[Message] | None = None) -> None:
        """Note one message; `arrow` is `->` to the connector, `<-` from it, `--` for what is no message.

        Bytes are what no message could be made of, unless they come with the kind that they should be.
        """
        redactor = _redactor.get()
        if isinstance(message, Message):
            kind, message = type(message), message.SerializeToString()
        if isinstance(message, bytes) and len(message) > _SMALL_BYTES:
            kind, message = None, said(_parsed(kind, message), redactor)
        self._noted.append(_Noted(time.monotonic(), arrow, method, message, kind, redactor))

    def extend(self, other: Exchange) -> None:
        """Append what another exchange holds."""
        mine = set(map(id, self._noted))
        self._noted.extend(noted for noted in other._noted if id(noted) not in mine)

    def text(self) -> tuple[str, ...]:
        """The messages as lines of text."""
        return tuple(f"{noted.at - self.began:8.3f} s {noted.line()}" for noted in self._noted)


def _parsed(kind: type[Message] | None, content: bytes | str) -> Message | bytes | str:
    if kind is None or isinstance(content, str):
        return content
    try:
        return kind.FromString(content)
    except Exception:  # noqa: BLE001 only to be shown
        return content


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
