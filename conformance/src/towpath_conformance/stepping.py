"""Reads step by step, acknowledging what a check wants to be acknowledged, when it wants to."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from towpath.connector.v1 import source_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.failure import Failure
from towpath_conformance.peer import Call, TooSlow
from towpath_conformance.recording import ReadRecording
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import fail

__all__ = ["Stepping", "stepping"]


class Stepping:
    """An open Read of one stream, of which nothing is acknowledged unless it is said."""

    def __init__(self, call: Call, opening: source_pb2.ReadOpen, seconds: float) -> None:
        """Wait at most so many seconds for any message."""
        self.call = call
        self.recording = ReadRecording(opening)
        self._seconds = seconds

    async def until(self, *kinds: str) -> bool:
        """Take down messages until one of these kinds has come; False when the call ends, or none comes in good time.

        That a source halts without an acknowledgement is for state.emits-without-acks to say.
        """
        deadline = time.monotonic() + self._seconds
        try:
            while (raw := await self.call.receive(max(0.0, deadline - time.monotonic()))) is not None:
                if self.recording.add(raw).kind in kinds:
                    return True
                if time.monotonic() > deadline:
                    return False
        except TooSlow:
            return False
        return False

    async def acknowledge(self, seq: int) -> None:
        """Acknowledge up to a checkpoint."""
        await self.call.send(source_pb2.ReadRequest(ack=source_pb2.ReadAck(checkpoint_seq=seq)))

    @property
    def seqs(self) -> list[int]:
        """Numbers of the checkpoints that have come."""
        return [checkpoint.checkpoint_seq for checkpoint in self.recording.checkpoints()]

    @property
    def last(self) -> int:
        """The highest of them; 0 when there was none."""
        return max(self.seqs, default=0)

    async def half_close(self) -> None:
        """Say that nothing more will be acknowledged."""
        await self.call.half_close()

    async def ending(self, after: str) -> Failure | None:
        """Read to the end, dropping messages, and say how it ended. Fails the check when it does not; `after` what."""
        try:
            return await self.call.ending(self._seconds)
        except TooSlow:
            fail(f"{after} and the call has not ended {self._seconds:g} s later")


@asynccontextmanager
async def stepping(
    trial: Trial, stream: StreamCase, changes: Mapping[str, Any] | None = None
) -> AsyncGenerator[Stepping]:
    """Open a Read of one stream, with changes to the configuration; leaving cancels what still runs of it."""
    opening = source_pb2.ReadOpen(config_json=trial.case.config_with(changes or {}), streams=[stream.wire()], attempt=1)
    async with (await trial.peer()).read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        yield Stepping(call, opening, trial.case.patience.call_seconds)
