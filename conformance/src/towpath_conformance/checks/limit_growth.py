"""Limits of growth: what a connector keeps of calls that have ended adds up over weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.peer import Peer
from towpath_conformance.registry import check
from towpath_conformance.targets.port import Process
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, skip

_MIB = 1 << 20
_ROWS = [(number, f"row {number}") for number in range(100)]
_ALLOWED = {"memory_mib": 24, "threads": 2, "descriptors": 2, "temporary_files": 2}
"""What a runtime may gain by itself between the two windows: pools that fill, memory that is not given back at once."""


@dataclass(frozen=True)
class _Holding:
    """What a process holds after a cycle."""

    memory_mib: int
    threads: int
    descriptors: int
    temporary_files: int

    @classmethod
    def of(cls, process: Process) -> _Holding:
        """Count now."""
        folder = process.folder
        files = sum(1 for _ in folder.rglob("*")) if folder is not None else 0
        return cls(process.resident_bytes() // _MIB, process.threads(), process.descriptors(), files)


@check(
    "limit.no-growth",
    process=True,
    alone=True,
    slow=True,
    asserts="Over `patience.cycles` rounds of Check, Discover and a Read, or a Write that is aborted, the process "
    "gains no memory, threads, descriptors or temporary files: the last quarter of the rounds has no more "
    "than the second.",
    why="A connector that serves many jobs lives for weeks. What each job leaves behind ends all of them one day.",
    fix="Close connections, cursors and files in a finally block, end threads, and bound every cache. Run the same "
    "call in a loop under a profiler of memory.",
)
async def no_growth(trial: Trial) -> None:
    async with trial.fresh_process() as (instance, process):
        holdings: list[_Holding] = []
        for number in range(trial.case.patience.cycles):
            await _cycle(trial, instance.peer, number)
            holdings.append(_Holding.of(process))
    quarter = len(holdings) // 4
    early, late = holdings[quarter : 2 * quarter], holdings[-quarter:]
    grown = [text for name in (field.name for field in fields(_Holding)) if (text := _growth(name, early, late))]
    expect(not grown, f"in {len(holdings)} rounds of calls that all ended, the process has grown: {'; '.join(grown)}")


async def _cycle(trial: Trial, peer: Peer, number: int) -> None:
    """Make one round of calls. What they answer is judged elsewhere."""
    config_json, seconds = trial.case.config_json, trial.case.patience.call_seconds
    await peer.check(config_json, seconds)
    await peer.discover(config_json, seconds)
    try:
        if trial.is_source:
            await trial.read(trial.source.streams[0].wire(), peer=peer)
        if trial.is_destination:
            delivery = Delivery(trial, f"no-growth-{number}", [plain(trial, "no_growth")])
            _ = (await delivery.prepare(peer=peer)).ok
            async with delivery.writer(peer=peer) as writing:
                await writing.send(records(_ROWS))
                await writing.commit()
                await writing.finish()
            _ = (await delivery.abort(peer=peer)).ok
    except Failed as failure:
        skip(f"round {number + 1} did not go well, which other checks judge: {failure}")


def _growth(name: str, early: Sequence[_Holding], late: Sequence[_Holding]) -> str:
    """Say by how much something has grown, empty when it has not: the least of late against the most of early."""
    before = max(_value(holding, name) for holding in early)
    after = min(_value(holding, name) for holding in late)
    what = name.replace("_mib", " in MiB").replace("_", " ")
    return f"{what} from {before} to {after}" if after > before + _ALLOWED[name] else ""


def _value(holding: _Holding, name: str) -> int:
    value: Any = getattr(holding, name)
    return int(value)
