"""TPC-H lineitem from PostgreSQL to Parquet on S3, by the whole runtime and beside it in one process."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.machine import machine, write_report
from bench.servers import open_servers
from bench.ways import Run, fingerprint, run_ideal, run_towpath

__all__ = ["main"]

_MIB = 1 << 20
_TARGET_RATIO = 1.25


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write JSON; exit 1 when the results differ in content. Speed never fails a run."""
    options = _options(arguments)
    console = Console()
    runs: list[Run] = []
    with open_servers(options.folder.resolve(), options.scale) as servers:
        console.print(f"lineitem, {servers.rows:,} rows; {options.rounds} rounds, the two ways in turn")
        prints: set[tuple[int, int]] = set()
        for round_ in range(1, options.rounds + 1):
            for way in (run_ideal, run_towpath):
                prefix = f"{int(time.time())}-{way.__name__.removeprefix('run_')}-{round_}"
                run = way(servers, prefix)
                runs.append(run)
                console.print(f"  {run.way:8} {run.seconds:6.1f} s wall, {run.client_cpu_seconds:6.1f} s CPU")
                prints.add(fingerprint(servers, prefix))
    report = _report(runs, options.scale)
    console.print(_table(runs))
    console.print(
        f"wall time, Towpath : ideal = {report['wall_ratio']:.2f} (target: at most {_TARGET_RATIO}), "
        f"CPU = {report['cpu_ratio']:.2f}"
    )
    write_report(options.output, report)
    console.print(f"written to {options.output}")
    if len(prints) != 1:
        console.print("the two ways delivered different rows", style="bold red")
        return 1
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench sync", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H scale factor; 1 is 6 million rows")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way runs; the medians are compared")
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench"), help="where data and servers live")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"), help="where the figures go")
    return parser.parse_args(arguments)


def _report(runs: Sequence[Run], scale: float) -> dict[str, object]:
    ideal, towpath = ([run for run in runs if run.way == way] for way in ("ideal", "towpath"))
    return {
        "scale": scale,
        "machine": machine(),
        "wall_ratio": _median(towpath, "seconds") / _median(ideal, "seconds"),
        "cpu_ratio": _median(towpath, "client_cpu_seconds") / _median(ideal, "client_cpu_seconds"),
        "runs": [run.as_json() for run in runs],
    }


def _median(runs: Sequence[Run], figure: str) -> float:
    return statistics.median(getattr(run, figure) for run in runs)


def _table(runs: Sequence[Run]) -> Table:
    """Medians over the rounds, per process."""
    table = Table("way", "process", "CPU s", "peak MiB", "wall s")
    for way in dict.fromkeys(run.way for run in runs):
        of_way = [run for run in runs if run.way == way]
        wall = f"{_median(of_way, 'seconds'):.1f}"
        for role in sorted({role for run in of_way for role in run.usage}):
            used = [run.usage[role] for run in of_way if role in run.usage]
            cpu = statistics.median(usage.cpu_seconds for usage in used)
            peak = max(usage.peak_rss_bytes for usage in used) / _MIB
            table.add_row(way, role, f"{cpu:.1f}", f"{peak:.0f}", wall)
    return table
