"""Connectors that grow, wait, mix up or close what they should not, and measure sizes wrongly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

import grpc
from towpath.connector.v1 import source_pb2

from conformance_mutants.messages import Asked, restated
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed

_LARGE_BYTES = 64 * 1024
_READS_AT_ONCE = 8
_POOL = 48
_IDLE_SECONDS = 1.0
_ENCODING_SECONDS = 0.06
_QUOTED = 4200


class _Quoting(Asked):
    """Quotes what is wrong with a long configuration, at length."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        if ending[0] is not grpc.StatusCode.INVALID_ARGUMENT or len(self.asked) < _QUOTED:
            return (), ending

        def lengthen(status: Any) -> None:
            status.message += "x" * _QUOTED

        return (), restated(ending, lengthen)


class _Closing(Relayed):
    """Ends a Read that nobody has taken anything from for a while."""

    _passed: float | None = None
    _idled = False

    async def response(self, raw: bytes) -> Iterable[bytes]:
        now = time.monotonic()
        self._idled = self._idled or (self._passed is not None and now - self._passed > _IDLE_SECONDS)
        self._passed = now
        # What comes first after the pause may be small, as every Read has such messages; only large ones mark the Read.
        if self._idled and len(raw) > _LARGE_BYTES:
            self.over = True
            return ()
        return (raw,)


def _one_thread() -> Begin:
    """Make the relay of an instance that answers for its health with the thread that encodes large batches."""
    thread = asyncio.Lock()

    class _Encoding(Relayed):
        async def response(self, raw: bytes) -> Iterable[bytes]:
            if len(raw) > _LARGE_BYTES:
                async with thread:
                    await asyncio.sleep(_ENCODING_SECONDS)
            return (raw,)

    class _Health(Relayed):
        async def request(self, raw: bytes) -> Iterable[bytes]:
            async with thread:
                return (raw,)

    return lambda called: {"Read": _Encoding, "Health/Check": _Health}.get(called, Relayed)()


class _Counted(Relayed):
    """A Read that knows how many others of the same opening are going on."""

    def __init__(self, running: WeakSet[_Counted]) -> None:
        self._running = running
        self._opening = b""

    @property
    def at_once(self) -> int:
        """This one included. Those that were cancelled are forgotten with their objects."""
        return sum(each._opening == self._opening for each in self._running)

    async def request(self, raw: bytes) -> Iterable[bytes]:
        if not self._opening:
            self._opening = raw
            self._running.add(self)
        return (raw,)

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        self._running.discard(self)
        return (), ending


class _Mixing(_Counted):
    """Loses rows to the other Reads of the same stream when there are many."""

    async def response(self, raw: bytes) -> Iterable[bytes]:
        if self.at_once < _READS_AT_ONCE or len(raw) > _LARGE_BYTES:
            return (raw,)
        return () if source_pb2.ReadResponse.FromString(raw).HasField("batch") else (raw,)


class _Pooled(_Counted):
    """Waits for another Read to end when there are many."""

    async def request(self, raw: bytes) -> Iterable[bytes]:
        passed = await super().request(raw)
        if self.at_once > _POOL:
            await asyncio.Event().wait()  # none of the others ends before its caller has all of them
        return passed


def _reads(make: Callable[[WeakSet[_Counted]], Relayed]) -> Callable[[], Begin]:
    def begins() -> Begin:
        running = WeakSet[_Counted]()
        return lambda called: make(running) if called == "Read" else Relayed()

    return begins


mutant(
    "limit.status-size",
    "source",
    "quotes a long configuration at length",
    begin=lambda called: _Quoting() if called == "Check" else Relayed(),
)
mutant(
    "limit.idle-with-pings",
    "source",
    "closes a Read that idles",
    begin=lambda called: _Closing() if called == "Read" else Relayed(),
    case={"patience.idle_seconds": 4},
)
mutant("limit.health-under-load", "source", "encodes in the thread that answers for its health", begins=_one_thread)
mutant("limit.concurrent-reads", "source", "loses rows when many read at once", begins=_reads(_Mixing))
mutant(
    "limit.many-calls",
    "source",
    "has a pool for its Reads",
    begins=_reads(_Pooled),
    case={"patience.call_seconds": 3},
)
