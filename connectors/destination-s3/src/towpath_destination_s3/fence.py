"""The fence: one small object per writer holds the newest epoch, changed only by conditional writes."""

from __future__ import annotations

from towpath_sdk.errors import Bug, Fenced, Unavailable

from towpath_destination_s3.store import PreconditionFailed, Store
from towpath_destination_s3.template import write_token, writer_token

__all__ = ["Fence", "fences_of"]

_TRIES = 10


class Fence:
    """The fence of one writer."""

    def __init__(self, store: Store, write_id: str, writer_id: str, epoch: int) -> None:
        self._store = store
        self._key = f"{fences_of(store, write_id)}{writer_token(writer_id)}.epoch"
        self._epoch = epoch

    def raise_to_epoch(self) -> bool:
        """Shut older epochs out; return whether there may be leftovers of an earlier opening.

        Raises Fenced when a newer epoch stands already. Nothing is ever staged before the fence stands, so that a
        writer without a fence has no leftovers.
        """
        for _ in range(_TRIES):
            found = self._store.get(self._key)
            if found is not None and self._judge(found[0]) == self._epoch:
                return True
            try:
                self._store.replace(self._key, str(self._epoch).encode(), None if found is None else found[1])
            except PreconditionFailed:
                continue
            return found is not None
        raise Unavailable("other attempts keep changing the fence of this writer", reason="FENCE_CONTENDED")

    def check(self) -> None:
        """Raise Fenced when a newer epoch has taken over."""
        found = self._store.get(self._key)
        if found is None:
            raise Fenced(f"the write was completed or aborted while epoch {self._epoch} was at work")
        self._judge(found[0])

    def _judge(self, content: bytes) -> int:
        try:
            stored = int(content)
        except ValueError as error:
            raise Bug(f"{self._key} holds no epoch; remove it") from error
        if stored > self._epoch:
            raise Fenced(f"epoch {stored} has taken over from epoch {self._epoch}")
        return stored


def fences_of(store: Store, write_id: str) -> str:
    """Return the key prefix of a write's fences."""
    return store.below("_towpath", "writes", write_token(write_id), "")
