"""Acknowledgements of one Read: which are valid, and what the author hears of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from towpath_sdk.errors import Misconfigured
from towpath_sdk.source import Checkpoint

__all__ = ["AckLedger"]

_MAX_REMEMBERED = 4096
_MAX_REMEMBERED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class _Sent:
    """A checkpoint that was sent."""

    seq: int
    index: int
    checkpoint: Checkpoint
    state_bytes: int


class AckLedger:
    """Remembers the checkpoints that were sent and not acknowledged.

    Acknowledgements are cumulative, so of each stream only the latest one covered is passed on: what waits for the
    author is bounded by the number of streams. What waits for the broker is bounded too, by forgetting every other
    checkpoint: an acknowledgement of a forgotten one passes on the one before, and the next one catches up.
    """

    def __init__(self, *, keep_checkpoints: bool) -> None:
        """Without `keep_checkpoints` only numbers are kept: nobody listens."""
        self._keep = keep_checkpoints
        self._changed = threading.Condition()
        self._sent: deque[_Sent] = deque()
        self._sent_bytes = 0
        self._covered: dict[int, Checkpoint] = {}
        self._last_sent = 0
        self._last_acknowledged = 0
        self._ended = False

    def sent(self, index: int, seq: int, checkpoint: Checkpoint | None, state_bytes: int) -> None:
        """Note a checkpoint of the stream at `index`, whose state has so many bytes, before it leaves."""
        with self._changed:
            self._last_sent = seq
            if self._keep and checkpoint is not None:
                self._sent.append(_Sent(seq, index, checkpoint, state_bytes))
                self._sent_bytes += state_bytes
                if len(self._sent) > _MAX_REMEMBERED or self._sent_bytes > _MAX_REMEMBERED_BYTES:
                    self._forget_every_other()

    @property
    def remembered_bytes(self) -> int:
        """Bytes of the states that wait for an acknowledgement."""
        return self._sent_bytes

    def acknowledge(self, seq: int) -> None:
        """Note an acknowledgement.

        Raises Misconfigured when that number was never sent, or a higher one came before.
        """
        with self._changed:
            if seq > self._last_sent or seq < self._last_acknowledged:
                problem = f"sent up to {self._last_sent}, acknowledged up to {self._last_acknowledged}"
                raise Misconfigured(
                    f"checkpoint {seq} cannot be acknowledged: {problem}",
                    reason="INVALID_ACK",
                    fields={"ack.checkpoint_seq": problem},
                )
            self._last_acknowledged = seq
            while self._sent and self._sent[0].seq <= seq:
                sent = self._sent.popleft()
                self._sent_bytes -= sent.state_bytes
                self._covered[sent.index] = sent.checkpoint
            self._changed.notify_all()

    @property
    def all_acknowledged(self) -> bool:
        """Nothing that was sent waits for an acknowledgement."""
        with self._changed:
            return self._last_acknowledged >= self._last_sent

    def end(self) -> None:
        """No acknowledgement will follow; what is covered is still passed on."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def pass_on(self, listener: Callable[[int, Checkpoint], None]) -> None:
        """Call `listener(index, checkpoint)` for what is acknowledged, until `end`; blocks its thread."""
        while True:
            with self._changed:
                while not self._covered and not self._ended:
                    self._changed.wait()
                covered, self._covered = self._covered, {}
            if not covered:
                return
            for index, checkpoint in covered.items():
                listener(index, checkpoint)

    def _forget_every_other(self) -> None:
        """Forget every other checkpoint of each stream, but never its last one."""
        kept: deque[_Sent] = deque()
        forget: dict[int, bool] = {}
        for sent in reversed(self._sent):
            if not forget.get(sent.index, False):
                kept.appendleft(sent)
            forget[sent.index] = not forget.get(sent.index, False)
        self._sent = kept
        self._sent_bytes = sum(sent.state_bytes for sent in kept)
