"""However much is written or merged: what is in memory is bounded."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from destination_local_steps import ORDERS, config_of, orders, visible
from pyarrow import parquet
from towpath_sdk import StreamName, WriteMode
from towpath_sdk.testing.process import connector_process

LIMIT = 400 << 20
WRITERS, BATCHES = 4, 64


def peak_memory(pid: int) -> int:
    """The largest resident set that the process ever had, in bytes. Source: proc(5), VmHWM."""
    (line,) = [text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if text.startswith("VmHWM:")]
    return int(line.split()[1]) << 10


def rows_in(paths: Sequence[Path]) -> int:
    return sum(cast("Any", parquet).read_metadata(path).num_rows for path in paths)


def batch_of_4_mib() -> pa.RecordBatch:
    """Rows that do not compress, and cost little to encode."""
    drawn = random.Random(7)
    return pa.record_batch({"id": pa.array(range(400), pa.int64()), "body": [drawn.randbytes(10_000)] * 400})


def test_a_gibibyte_by_four_writers_takes_less_than_400_megabytes(tmp_path: Path) -> None:
    """Many connectors run on one machine, in containers with a limit that kills them."""
    config, batch = config_of(tmp_path), batch_of_4_mib()
    names = [StreamName("public", f"orders_{number}") for number in range(WRITERS)]
    with connector_process(sys.executable, "-m", "towpath_destination_local") as destination:

        def write(number: int) -> list[bytes]:
            stream = orders(name=names[number])
            with destination.write(config, [stream], writer_id=str(number)) as session:
                for sent in range(1, BATCHES + 1):
                    session.write(batch)
                    if sent % 32 == 0:
                        session.commit()
                session.finish()
            return session.receipts

        with ThreadPoolExecutor(WRITERS) as pool:
            receipts = [receipt for receipts in pool.map(write, range(WRITERS)) for receipt in receipts]
        destination.complete(config, "write-1", receipts)
        assert peak_memory(destination.pid) < LIMIT
    assert [rows_in(visible(config, name)) for name in names] == [BATCHES * 400] * WRITERS


def test_merging_three_million_rows_takes_less_than_450_megabytes(tmp_path: Path) -> None:
    """Keys are looked at range by range: a first load of any size fits."""
    config, stream, count = config_of(tmp_path), orders(WriteMode.DEDUP, key=("id", "part")), 50_000
    batches = [
        pa.record_batch(
            {
                "id": pa.array(range(first, first + count), pa.int64()),
                "part": pa.repeat(pa.scalar("a part of the key"), count),
                "body": pa.repeat(pa.scalar("some text that repeats in every row"), count),
            }
        )
        for first in range(0, 1_000_000, count)
    ]
    with connector_process(sys.executable, "-m", "towpath_destination_local", timeout=300) as destination:
        for job in ("write-1", "write-2"):
            with destination.write(config, [stream], write_id=job) as session:
                for batch in batches * (3 if job == "write-1" else 1):
                    session.write(batch)
                session.commit()
                session.finish()
            destination.complete(config, job, session.receipts, [stream])
        assert peak_memory(destination.pid) < LIMIT + (50 << 20)
    assert rows_in(visible(config, ORDERS)) == 1_000_000
