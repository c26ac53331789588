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

from google.protobuf import text_format
from google.protobuf.message import Message

__all__ = ["Exchange", "current_exchange", "noting"]

_KEPT = 400
_LONGEST = 600
_LONGEST_BYTES = 48


@dataclass
class Exchange:
    """The newest messages, each as (seconds since the start, line)."""

    began: float = field(default_factory=time.monotonic)
    lines: deque[tuple[float, str]] = field(default_factory=lambda: deque[tuple[float, str]](maxlen=_KEPT))

    def note(self, arrow: str, method: str, message: Message | bytes | str) -> None:
        """Note one message; `arrow` is `->` to the connector, `<-` from it, `--` for what is no message."""
        self.lines.append((time.monotonic(), f"{arrow} {method} {_said(message)}"))

    def extend(self, other: Exchange) -> None:
        """Append what another exchange holds."""
        self.lines.extend(line for line in other.lines if line not in self.lines)

    def text(self) -> tuple[str, ...]:
        """The messages as lines of text."""
        return tuple(f"{at - self.began:8.3f} s {line}" for at, line in self.lines)


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


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


def _said(message: Message | bytes | str) -> str:
    if isinstance(message, str):
        return message
    if isinstance(message, bytes):
        return f"{len(message)} bytes {message[:_LONGEST_BYTES].hex()}{'…' if len(message) > _LONGEST_BYTES else ''}"
    text = text_format.MessageToString(_without_payload(message), as_one_line=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _without_payload(message: Message) -> Message:
    """Copy a message with large byte fields cut: whoever debugs wants the header, not a megabyte of Arrow."""
    if message.ByteSize() < 4 * _LONGEST:
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _cut(copy)
    return copy


def _cut(message: Message) -> None:
    for descriptor, value in message.ListFields():
        if descriptor.type == descriptor.TYPE_BYTES and isinstance(value, bytes) and len(value) > _LONGEST_BYTES:
            setattr(message, descriptor.name, value[:_LONGEST_BYTES] + f"…({len(value)} bytes)".encode())
        elif descriptor.type == descriptor.TYPE_MESSAGE and isinstance(value, Message):
            _cut(value)
