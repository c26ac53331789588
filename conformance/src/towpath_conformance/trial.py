"""The trial of one connector: what checks share, and what each gets for itself.

`shared` is one instance that all well-behaved calls go to; it is started again when a check has ended it. `fresh` is an
instance of one's own, for checks that kill, signal or measure. Recordings of ordinary reads are made once and judged by
many checks.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from towpath.connector.v1 import connector_pb2, source_pb2

from towpath_conformance.case import Case, DestinationCase, SourceCase, StreamCase
from towpath_conformance.exchange import Exchange, current_exchange, noting
from towpath_conformance.failure import Seen
from towpath_conformance.peer import Call, Peer
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import DESTINATION, SOURCE
from towpath_conformance.targets.port import Instance, Process, Target
from towpath_conformance.verdicts import Failed

__all__ = ["Trial"]

T = TypeVar("T")


@dataclass
class Trial:
    """One connector, its case, and the seed of everything random."""

    target: Target
    case: Case
    seed: int = 0
    spec: connector_pb2.SpecResponse = field(default_factory=connector_pb2.SpecResponse)
    """What the connector says of itself; asked for once, before the first check."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of every name that is written, so that a second run does not meet what the first one has left."""
    facts: dict[str, float] = field(default_factory=dict[str, float])
    """What checks have measured, for the report."""
    seen: Seen = field(default_factory=Seen)
    """The largest status of the whole run."""
    _shared: Instance | None = None
    _shared_stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _made: dict[str, asyncio.Task[tuple[Any, Exchange]]] = field(
        default_factory=dict[str, "asyncio.Task[tuple[Any, Exchange]]"]
    )

    @property
    def source(self) -> SourceCase:
        """How the source is judged. Only for checks that need the role: the runner sees to it that it is there."""
        assert self.case.source is not None
        return self.case.source

    @property
    def destination(self) -> DestinationCase:
        """How the destination is judged; likewise."""
        assert self.case.destination is not None
        return self.case.destination

    @property
    def is_source(self) -> bool:
        """It declares to be one, and the case file says how to judge it; for checks that concern both roles."""
        return SOURCE.declared(self.spec) and self.case.source is not None

    @property
    def is_destination(self) -> bool:
        """Likewise."""
        return DESTINATION.declared(self.spec) and self.case.destination is not None

    def random(self, check_id: str) -> random.Random:
        """A generator of one's own, the same for the same seed."""
        return random.Random(f"{self.seed} {check_id}")  # noqa: S311 no secret depends on it

    async def shared(self) -> Instance:
        """The instance that everybody uses."""
        async with self._starting:
            instance = self._shared
            if instance is not None and instance.process is not None and not instance.process.alive:
                await self._shared_stack.aclose()
                self._shared_stack, instance = AsyncExitStack(), None
            if instance is None:
                with noting(Exchange()):
                    instance = await self._shared_stack.enter_async_context(
                        self.target.start(self.case.patience.ready_seconds)
                    )
            self._shared = instance
            return instance

    async def peer(self) -> Peer:
        """The client of the shared instance."""
        return (await self.shared()).peer

    @asynccontextmanager
    async def fresh(self, *, environ: Mapping[str, str] | None = None) -> AsyncGenerator[Instance]:
        """Start an instance of one's own; where none can be started, connect anew to the one that is there."""
        async with self.target.start(self.case.patience.ready_seconds, environ=environ) as instance:
            yield instance

    @asynccontextmanager
    async def fresh_process(
        self, *, environ: Mapping[str, str] | None = None
    ) -> AsyncGenerator[tuple[Instance, Process]]:
        """Start an instance of one's own that can be looked into; only for checks that are marked `process`."""
        async with self.fresh(environ=environ) as instance:
            assert instance.process is not None
            yield instance, instance.process

    async def once(self, key: str, make: Callable[[], Awaitable[T]]) -> T:
        """Make something once and share it; what was exchanged on the way is shown by every check that asks for it."""
        if key not in self._made:
            self._made[key] = asyncio.ensure_future(_taken_down(make))
        made, exchange = await asyncio.shield(self._made[key])
        current_exchange().extend(exchange)
        return cast("T", made)

    async def readings(self) -> Sequence[ReadRecording]:
        """A recording of each stream of the case file, read alone and to its end, every checkpoint acknowledged."""
        return [await self.reading(stream) for stream in self.source.streams]

    async def reading(self, stream: StreamCase) -> ReadRecording:
        """The recording of one stream, read from the start."""
        return await self.once(f"read {stream!r}", lambda: self.read(stream.wire()))

    async def read(
        self,
        *streams: source_pb2.ReadStream,
        peer: Peer | None = None,
        config_json: str | None = None,
        split: source_pb2.Split | None = None,
        acknowledge: bool = True,
    ) -> ReadRecording:
        """Read to the end and take it down: acknowledge each checkpoint, half-close after ReadFinished."""
        opening = source_pb2.ReadOpen(config_json=config_json or self.case.config_json, streams=streams, attempt=1)
        if split is not None:
            opening.split.CopyFrom(split)
        recording = ReadRecording(opening)
        async with (peer or await self.peer()).read() as call:
            await call.send(source_pb2.ReadRequest(open=opening))
            await self.follow(call, recording, acknowledge=acknowledge)
        return recording

    async def follow(self, call: Call, recording: ReadRecording, *, acknowledge: bool = True) -> None:
        """Take a Read down to its end."""
        seconds = self.case.patience.call_seconds
        while (raw := await call.receive(seconds)) is not None:
            received = recording.add(raw)
            if received.kind == "checkpoint" and acknowledge:
                ack = source_pb2.ReadAck(checkpoint_seq=received.message.checkpoint.checkpoint_seq)
                await call.send(source_pb2.ReadRequest(ack=ack))
            elif received.kind == "finished":
                await call.half_close()
        recording.failure, recording.ended = call.failure, True
        recording.exchange = current_exchange()

    async def complete_reading(self, stream: StreamCase) -> ReadRecording:
        """The recording of one stream. Fails the check when the read failed, or a stream did not complete."""
        recording = await self.reading(stream)
        if recording.failure is not None:
            raise Failed(f"reading {stream} failed: {recording.failure}")
        return recording

    async def close(self) -> None:
        """End what was started."""
        for task in self._made.values():
            task.cancel()
        await self._shared_stack.aclose()


async def _taken_down(make: Callable[[], Awaitable[T]]) -> tuple[T, Exchange]:
    with noting(Exchange()) as exchange:
        return await make(), exchange
