"""Speed: measured for the report, and not judged. There is no rule of how fast a connector has to be."""

from __future__ import annotations

import time
from dataclasses import dataclass

from towpath.connector.v1 import source_pb2

from towpath_conformance.calls import large_opening
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import check
from towpath_conformance.targets.port import Instance, Process
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail

_SECONDS = 3.0
"""Enough for some hundred thousand rows, and for most of what is slow only at first; a hurried case file has less."""
_ROWS = [(number, f"the label of the row with the number {number}") for number in range(10_000)]
_BATCHES_PER_COMMIT = 10


@dataclass
class _Measured:
    rows: int = 0
    size: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def tell(self, trial: Trial, prefix: str) -> None:
        """Put it into the report."""
        if not self.rows or not self.seconds:
            return
        trial.facts[f"{prefix}rows_per_second"] = self.rows / self.seconds
        trial.facts[f"{prefix}mib_per_second"] = self.size / self.seconds / (1 << 20)
        trial.facts[f"{prefix}cpu_seconds_per_million_rows"] = self.cpu_seconds / self.rows * 1e6


@check(
    "limit.speed",
    process=True,
    alone=True,
    asserts="Reading the large stream, or writing rows and committing them, goes on for some seconds. How fast is "
    "reported and not judged: `rows_per_second`, `mib_per_second`, `cpu_seconds_per_million_rows`.",
    why="Whoever chooses a connector wants to know, and a number that is taken the same way each time shows when a "
    "change has made it slow.",
    fix="Emit batches of thousands of rows, built column by column. A loop over rows costs most of what a connector "
    "needs.",
)
async def speed(trial: Trial) -> None:
    async with trial.fresh_process() as (instance, process):
        if trial.is_source:
            (await _reading(trial, instance, process)).tell(trial, "")
        if trial.is_destination:
            (await _writing(trial, instance, process)).tell(trial, "write_" if trial.is_source else "")


async def _reading(trial: Trial, instance: Instance, process: Process) -> _Measured:
    """Read and acknowledge until the time is up, or everything has come."""
    opening, measured = large_opening(trial), _Measured()
    seconds = min(_SECONDS, trial.case.patience.slow_reader_seconds)
    async with instance.peer.read() as call:
        await call.send(source_pb2.ReadRequest(open=opening))
        began, used = time.monotonic(), process.cpu_seconds()
        while time.monotonic() - began < seconds:
            raw = await call.receive(trial.case.patience.call_seconds)
            if raw is None:
                break
            received = ReadRecording(opening).add(raw)
            measured.rows += received.message.batch.rows
            measured.size += len(received.message.batch.ipc_messages)
            if received.kind == "finished":
                break
            if received.kind == "checkpoint":
                ack = source_pb2.ReadAck(checkpoint_seq=received.message.checkpoint.checkpoint_seq)
                await call.send(source_pb2.ReadRequest(ack=ack))
        measured.seconds, measured.cpu_seconds = time.monotonic() - began, process.cpu_seconds() - used
        expect(call.failure is None, f"the Read failed after {measured.rows} rows: {call.failure}")
    return measured


async def _writing(trial: Trial, instance: Instance, process: Process) -> _Measured:
    """Write and commit until the time is up, and abort."""
    delivery, measured, batch = Delivery(trial, "speed", [plain(trial, "speed")]), _Measured(), records(_ROWS)
    seconds = min(_SECONDS, trial.case.patience.slow_reader_seconds)
    _ = (await delivery.prepare(peer=instance.peer)).ok
    async with delivery.writer(peer=instance.peer) as writing:
        began, used = time.monotonic(), process.cpu_seconds()
        while time.monotonic() - began < seconds:
            for _ in range(_BATCHES_PER_COMMIT):
                if not await writing.send(batch):
                    recording = await writing.rest()
                    fail(f"the Write failed after {measured.rows} rows: {recording.refusal or 'it ended with OK'}")
            await writing.commit()
            measured.rows += batch.num_rows * _BATCHES_PER_COMMIT
            measured.size += batch.nbytes * _BATCHES_PER_COMMIT
        measured.seconds, measured.cpu_seconds = time.monotonic() - began, process.cpu_seconds() - used
        await writing.finish()
    _ = (await delivery.abort(peer=instance.peer)).ok
    return measured
