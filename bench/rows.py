"""Plain dicts through the SDK: a connector in a process of its own yields them, and its CPU time is measured.

Measured is everything that the connector's process does for a row: the author's generator, gathering, conversion to
Arrow, encoding, checksum, gRPC over a Unix socket. The reader takes the messages as bytes, in another process.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from towpath.connector.v1 import source_pb2, types_pb2
from towpath_sdk.client import ConnectorClient
from towpath_sdk.framing import peek
from towpath_sdk.sending import send_message
from towpath_sdk.testing import config_json

from bench.dict_source import SCHEMA, made_rows
from bench.machine import CpuClock, machine, write_report
from bench.started import started

__all__ = ["main"]

_TARGET = 300_000


@dataclass(frozen=True)
class Run:
    """One read: rows, bytes of messages, wall time, and CPU time of the connector, in seconds."""

    rows: int
    bytes: int
    seconds: float
    cpu_seconds: float

    @property
    def rows_per_cpu_second(self) -> float:
        """What one core could do."""
        return self.rows / self.cpu_seconds


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write JSON; 1 when rows were lost."""
    options = _options(arguments)
    console = Console()
    generator = _generator(options.rows)
    console.print(f"{options.rows:,} dicts of {len(SCHEMA)} columns; {options.rounds} rounds")
    runs = [asyncio.run(_read(options.rows)) for _ in range(options.rounds)]
    per_core = statistics.median(run.rows_per_cpu_second for run in runs)
    console.print(_table(runs))
    console.print(
        f"median {per_core:,.0f} rows per second and core (target: at least {_TARGET:,}); "
        f"the generator alone makes {generator:,.0f}"
    )
    report = {
        "machine": machine(),
        "columns": len(SCHEMA),
        "rows_per_second_and_core": round(per_core),
        "generator_alone": round(generator),
        "runs": [asdict(run) for run in runs],
    }
    write_report(options.output, report)
    console.print(f"written to {options.output}")
    return int(any(run.rows != options.rows for run in runs))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows per round")
    parser.add_argument("--rounds", type=int, default=5, help="how often; the median counts")
    parser.add_argument("--output", type=Path, default=Path("build/bench-rows.json"), help="where the figures go")
    return parser.parse_args(arguments)


def _generator(rows: int) -> float:
    began = time.process_time()
    for _ in made_rows(rows):
        pass
    return rows / (time.process_time() - began)


async def _read(rows: int) -> Run:
    """Start the connector, read its stream once to the end, and stop it."""
    async with (
        started([sys.executable, "-m", "bench.dict_source"]) as connector,
        ConnectorClient(connector.address) as client,
    ):
        await client.wait_ready(30)
        await client.handshake()
        call = client.read()
        stream = source_pb2.ReadStream(name=types_pb2.StreamName(name="rows"), mode=types_pb2.READ_MODE_SNAPSHOT)
        opening = source_pb2.ReadOpen(config_json=config_json({"rows": rows}), streams=[stream])
        clock, began = CpuClock({"connector": connector.pid}), time.monotonic()
        await send_message(call, source_pb2.ReadRequest(open=opening).SerializeToString())
        seen = size = 0
        while True:
            message = await call.read()
            assert isinstance(message, bytes), "the read ended without saying that it finished"
            header = peek(message).batch
            if header is not None:
                seen += header.rows
                size += len(message)
            elif source_pb2.ReadResponse.FromString(message).HasField("finished"):
                break
        seconds = time.monotonic() - began
        used = clock.seconds()["connector"]
        await call.done_writing()
        return Run(seen, size, round(seconds, 3), used)


def _table(runs: Sequence[Run]) -> Table:
    table = Table("round", "wall s", "connector CPU s", "rows/s", "rows/s and core", "MiB")
    for number, run in enumerate(runs, 1):
        table.add_row(
            str(number),
            f"{run.seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{run.rows / run.seconds:,.0f}",
            f"{run.rows_per_cpu_second:,.0f}",
            f"{run.bytes / (1 << 20):.0f}",
        )
    return table
