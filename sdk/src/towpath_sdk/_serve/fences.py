"""Fencing within one process: the newest epoch of a writer overrules the older ones at once.

What other processes do is the author's to fence; this spares a writer that was taken over from racing its successor
here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from towpath_sdk._serve.author_thread import AuthorCall
from towpath_sdk.errors import Fenced

__all__ = ["Fences", "Holder"]

_MAX_REMEMBERED = 10_000
_HANDOVER_SECONDS = 10.0


@dataclass(eq=False)
class Holder:
    """A Write that holds a writer; `overruled` gets Fenced when a newer one takes over."""

    epoch: int
    overruled: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    call: AuthorCall[None] | None = None
    """Its thread, while that runs; before that, the one of the holder that it waits for."""

    def ended(self) -> None:
        """Forget the thread that has ended, and all that it holds."""
        self.call = None


class Fences:
    """Highest epoch, and its holder, of each writer that this process has seen."""

    def __init__(self) -> None:
        self._holders: OrderedDict[tuple[str, str], Holder] = OrderedDict()

    async def take(self, write_id: str, writer_id: str, epoch: int) -> Holder:
        """Become the holder; returns once the thread of the former one has ended, or was given time enough to.

        Raises Fenced when a higher epoch was seen before, or comes while it waits.
        """
        key = (write_id, writer_id)
        former = self._holders.get(key)
        if former is not None and former.epoch > epoch:
            raise Fenced(f"writer {writer_id} has gone on to epoch {former.epoch}; epoch {epoch} is over")
        holder = Holder(epoch)
        self._holders[key] = holder
        self._holders.move_to_end(key)
        while len(self._holders) > _MAX_REMEMBERED:
            self._holders.popitem(last=False)
        if former is not None:
            if not former.overruled.done():
                former.overruled.set_exception(Fenced(f"writer {writer_id} has gone on to epoch {epoch}"))
                former.overruled.exception()
            if former.call is not None:
                holder.call = former.call
                holder.call.cancel()
                await holder.call.ended(_HANDOVER_SECONDS)
                holder.ended()
        if holder.overruled.done():
            holder.overruled.result()
        return holder
