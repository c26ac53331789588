"""A destination whose cancelled calls haunt it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending
from conformance_mutants.write_relays import OnWrite, during_writes

_GHOST_SECONDS = 5.0
"""More than the check allows on a busy machine, less than anybody's patience."""


class _Haunted(OnWrite):
    """A Write whose writer stays taken for some seconds when it is cancelled."""

    def __init__(self, ghosts: set[tuple[str, str]]) -> None:
        self._ghosts = ghosts

    async def request(self, raw: bytes) -> Iterable[bytes]:
        begun = self.opening is not None
        passed = await super().request(raw)
        if not begun and self.opening is not None:
            if self.writer in self._ghosts:
                await asyncio.sleep(_GHOST_SECONDS)
            self._ghosts.add(self.writer)
        return passed

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        self._ghosts.discard(self.writer)
        return (), ending


def _haunted() -> Begin:
    ghosts: set[tuple[str, str]] = set()
    return during_writes(lambda: _Haunted(ghosts))


mutant("fault.cancel-prompt", "destination", "keeps a writer taken", begins=_haunted)
