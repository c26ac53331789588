"""A faker source of many rows through the broker to a destination that discards, beside bare gRPC streams.

The ways run in turn. "bare" carries as many messages of the same sizes, ready-made, from process to process to process;
the broker is to reach 60 % of its throughput. "bare, rows made" also makes the rows, as the source does: what is left
between it and Towpath is the protocol, with batches cut, checksummed, decoded, validated and committed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.machine import machine, write_report
from bench.moved import Moved

__all__ = ["main"]

_TARGET = 0.6
_BARE = ("bare", "bare, rows made")
_SEED = 7
_SECONDS = 1800
_BATCH_BYTES = 15 << 18
_OTHER_BYTES = 64


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write JSON; 1 when rows were lost. Speed never fails a run."""
    options = _options(arguments)
    console = Console()
    console.print(f"{options.rows:,} rows of `events`; {options.rounds} rounds, the three ways in turn")
    runs: list[Moved] = []
    for _ in range(options.rounds):
        for run in _round(_config(options.rows, options.row_bytes)):
            console.print(f"  {run.way:15} {run.seconds:6.2f} s wall, {run.cpu_seconds:6.2f} s CPU")
            runs.append(run)
    ratios = {way: _median(runs, way, "seconds") / _median(runs, "towpath", "seconds") for way in _BARE}
    console.print(_table(runs, options.rows))
    console.print(f"{len(runs[0].sizes):,} messages, {runs[0].mebibytes:,.0f} MiB; medians; CPU seconds by process")
    console.print(
        f"throughput, Towpath : bare = {ratios['bare']:.0%} (target: at least {_TARGET:.0%}), "
        f"Towpath : bare, rows made = {ratios['bare, rows made']:.0%}"
    )
    report = {
        "machine": machine(),
        "throughput_ratios": {way: round(ratio, 3) for way, ratio in ratios.items()},
        "runs": [run.summary() for run in runs],
    }
    write_report(options.output, report)
    console.print(f"written to {options.output}")
    if any(run.rows != options.rows for run in runs if run.way == "towpath"):
        console.print("rows were lost", style="bold red")
        return 1
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench broker", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows per round")
    parser.add_argument("--row-bytes", type=int, default=400, help="padding of each row, beside some 60 bytes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way runs; medians are compared")
    parser.add_argument("--output", type=Path, default=Path("build/bench-broker.json"), help="where the figures go")
    return parser.parse_args(arguments)


def _round(config: dict[str, int]) -> Iterator[Moved]:
    towpath = _run("bench.transfer", config)
    yield towpath
    yield _run("bench.bare", {"sizes": towpath.sizes})
    yield _run("bench.bare", {"config": config})


def _config(rows: int, row_bytes: int) -> dict[str, int]:
    """Batches of just below 4 MiB, as the SDK cuts them; eight of them between two checkpoints."""
    batch_rows = max(1, _BATCH_BYTES // (row_bytes + _OTHER_BYTES))
    config = {"seed": _SEED, "rows": rows, "row_bytes": row_bytes, "batch_rows": batch_rows}
    return {**config, "checkpoint_rows": 8 * batch_rows}


def _run(module: str, job: object) -> Moved:
    """Run one way in processes of its own."""
    command = [sys.executable, "-m", module]
    text = json.dumps(job).encode()
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True, timeout=_SECONDS)
    return Moved.from_json(done.stdout)


def _median(runs: Sequence[Moved], way: str, figure: str) -> float:
    return statistics.median(getattr(run, figure) for run in runs if run.way == way)


def _table(runs: Sequence[Moved], rows: int) -> Table:
    """Medians over the rounds."""
    table = Table("way", "wall s", "M rows/s", "MiB/s", "CPU s", "source", "broker", "dest.")
    for way in dict.fromkeys(run.way for run in runs):
        of_way = [run for run in runs if run.way == way]
        seconds = _median(runs, way, "seconds")
        first = of_way[0]
        roles = [statistics.median(run.cpu[role] for run in of_way) for role in ("source", "broker", "destination")]
        table.add_row(
            way,
            f"{seconds:.2f}",
            f"{rows / seconds / 1e6:.2f}",
            f"{first.mebibytes / seconds:.0f}",
            f"{_median(runs, way, 'cpu_seconds'):.2f}",
            *(f"{role:.2f}" for role in roles),
        )
    return table
