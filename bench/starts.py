"""Starts of connectors: each anew, and beside it as forks of one process that has imported everything.

A start is a launch of the worker's own process launcher and one call, Spec. Counted is the wall time until its answer,
and the CPU time until then of the connector and of the process that forked it. The launcher's own is not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from towpath_sdk.client import ConnectorClient
from towpath_worker.launch import Launch, ProcessLauncher, RunDir
from towpath_worker.launch.environment import connector_environment

from bench.machine import machine, write_report

__all__ = ["main"]

_CONNECTORS = ("source-postgres", "source-faker", "destination-s3", "destination-local")


@dataclass(frozen=True)
class Start:
    """One start; seconds of the wall and of the processors."""

    seconds: float
    cpu_seconds: float


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write JSON. Always 0: there is no result that could be wrong."""
    options = _options(arguments)
    console = Console()
    table = Table("connector", "anew: wall s", "CPU s", "forked: wall s", "CPU s", "ratio of CPU", "of wall")
    report: dict[str, object] = {"machine": machine()}
    for connector in _CONNECTORS:
        runs = asyncio.run(_measure(connector, options.rounds))
        anew, forked = (_median(runs[forks]) for forks in (False, True))
        table.add_row(
            connector,
            f"{anew.seconds:.3f}",
            f"{anew.cpu_seconds:.3f}",
            f"{forked.seconds:.3f}",
            f"{forked.cpu_seconds:.3f}",
            f"{forked.cpu_seconds / anew.cpu_seconds:.2f}",
            f"{forked.seconds / anew.seconds:.2f}",
        )
        report[connector] = {"anew": asdict(anew), "forked": asdict(forked)}
    console.print(table)
    write_report(options.output, report)
    console.print(f"medians of {options.rounds} starts each, in turn; written to {options.output}")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench starts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="starts of each kind; the median counts")
    parser.add_argument("--output", type=Path, default=Path("build/bench-starts.json"), help="where the figures go")
    return parser.parse_args(arguments)


async def _measure(connector: str, rounds: int) -> dict[bool, list[Start]]:
    """Start a connector in turn both ways; the first of each is left out."""
    command = (sys.executable, "-m", f"towpath_{connector.replace('-', '_')}")
    runs: dict[bool, list[Start]] = {False: [], True: []}
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tp-") as folder:
        run_dir = RunDir.open(Path(folder) / "run")
        environ = connector_environment(os.environ)
        launchers = {forks: ProcessLauncher(run_dir, environ, forks=forks) for forks in runs}
        try:
            for _ in range(rounds + 1):
                for forks, launcher in launchers.items():
                    runs[forks].append(await _start(launcher, Launch(connector, command, lines.append)))
        finally:
            for launcher in launchers.values():
                await launcher.close()
            run_dir.close()
    return {forks: starts[1:] for forks, starts in runs.items()}


async def _start(launcher: ProcessLauncher, launch: Launch) -> Start:
    began, before = time.monotonic(), _forking_seconds()
    async with launcher.launch(launch) as running:
        async with ConnectorClient(running.address, token=running.token) as client:
            await client.spec()
        seconds = time.monotonic() - began
        used = _cpu_seconds(running.pid) + _forking_seconds() - before
        return Start(round(seconds, 4), round(used, 4))


def _forking_seconds() -> float:
    """What the processes that fork have used: children of this one that have children."""
    return sum(_cpu_seconds(child.pid) for child in psutil.Process().children() if child.name() == "towpath-forks")


def _cpu_seconds(pid: int) -> float:
    """What all threads of a process have used, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def _median(starts: Sequence[Start]) -> Start:
    return Start(
        statistics.median(start.seconds for start in starts), statistics.median(start.cpu_seconds for start in starts)
    )
