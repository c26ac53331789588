"""Limits of what a destination holds: as much as ever comes before a commit, its memory is bounded."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence

import pyarrow as pa

from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.registry import DESTINATION, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, skip

_MIB = 1 << 20
_ROWS_PER_BATCH = 512
_LABEL_BYTES = 1536
"""In base64 they are 2 KiB: a batch has about 1 MiB."""
_BATCHES = 4
"""Different ones, so that they cannot be kept as one."""
_TIMES_THE_BOUND = 2


@check(
    "limit.uncommitted-memory",
    needs=[DESTINATION],
    process=True,
    alone=True,
    slow=True,
    asserts="A destination that is sent rows and no commit, as fast as it takes them, for "
    "`patience.slow_reader_seconds` or twice `patience.memory_mib`, stays within `patience.memory_mib`; then it "
    "commits them.",
    why="The platform commits when the source has a checkpoint, and some sources have few. Whoever collects rows in "
    "memory until then is ended by the kernel in the middle of the largest table, in every attempt again.",
    fix="Pass rows on to a file, an upload or a staging table as they come, and keep no more than a buffer of fixed "
    "size. While the remote system does not take them, do not read the next request: flow control does the rest.",
)
async def uncommitted_memory(trial: Trial) -> None:
    patience, batches = trial.case.patience, _batches(trial)
    delivery = Delivery(trial, "uncommitted-memory", [plain(trial, "uncommitted_memory")])
    async with trial.fresh_process() as (instance, process):
        _ = (await delivery.prepare(peer=instance.peer)).ok
        async with delivery.writer(peer=instance.peer) as writing:
            began, sent, peak = time.monotonic(), 0, 0
            while time.monotonic() - began < patience.slow_reader_seconds:
                batch = batches[writing.batch_seq % len(batches)]
                if sent >= _TIMES_THE_BOUND * patience.memory_mib * _MIB or not await writing.send(batch):
                    break
                sent += batch.nbytes
                peak = max(peak, process.resident_bytes())
                expect(
                    peak <= patience.memory_mib * _MIB,
                    f"{sent // _MIB} MiB were sent and nothing was committed, and the destination holds "
                    f"{peak // _MIB} MiB; the case file allows {patience.memory_mib}",
                )
            await writing.commit()
            recording = await writing.finish()
        if recording.refusal is not None:
            skip(f"the Write did not end well, which write.terminal-status judges: {recording.refusal}")
        _ = await delivery.abort(peer=instance.peer)
    trial.facts["MiB of memory before a commit"] = float(peak // _MIB)


def _batches(trial: Trial) -> Sequence[pa.RecordBatch]:
    """Rows that no compression makes small."""
    random = trial.random("limit.uncommitted-memory")
    return [
        records(
            [
                (number, base64.b64encode(random.randbytes(_LABEL_BYTES)).decode())
                for number in range(part * _ROWS_PER_BATCH, (part + 1) * _ROWS_PER_BATCH)
            ]
        )
        for part in range(_BATCHES)
    ]
