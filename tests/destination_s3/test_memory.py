"""However much is written: what waits in memory is bounded, by writer, by partition and by file."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from destination_s3_steps import config_of, objects, orders
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import StreamName
from towpath_sdk.testing.process import ConnectorProcess, connector_process
from towpath_worker.launch.environment import connector_environment

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LIMIT = 400 << 20
BATCH = 4 << 20
BATCHES = (2 << 30) // BATCH


def peak_memory(pid: int) -> int:
    """The largest resident set that the process ever had, in bytes. Source: proc(5), VmHWM."""
    (line,) = [text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if text.startswith("VmHWM:")]
    return int(line.split()[1]) << 10


def batch_of_4_mib(partitions: int = 1) -> pa.RecordBatch:
    """Nine parts that cost little to encode, and one that does not compress. Rows are wide: bytes are what counts."""
    count = 4_000
    drawn = random.Random(7)
    bodies = [drawn.randbytes(1_000) if number % 10 == 0 else bytes(1_000) for number in range(count)]
    return pa.record_batch(
        {
            "id": pa.array(range(count), pa.int32()),
            "at": pa.array([number * partitions // count for number in range(count)], pa.int16()),
            "body": pa.array(bodies, pa.binary()),
        }
    )


def write_all(
    destination: ConnectorProcess, config: Mapping[str, Any], batch: pa.RecordBatch, writers: int
) -> list[bytes]:
    """Send 2 GiB of Arrow data, committing every 256 MiB of each writer; returns the receipts."""

    def write(number: int) -> Sequence[bytes]:
        stream = orders(name=StreamName("public", f"orders_{number}"))
        with destination.write(config, [stream], write_id="job-1", writer_id=str(number)) as session:
            for sent in range(1, BATCHES // writers + 1):
                session.write(batch)
                if sent % 64 == 0:
                    session.commit()
            session.finish()
        return session.receipts

    with ThreadPoolExecutor(writers) as pool:
        return [receipt for receipts in pool.map(write, range(writers)) for receipt in receipts]


@pytest.mark.parametrize(("writers", "partitions"), [(1, 20), (4, 1)])
def test_two_gigabytes_take_less_than_400_megabytes_of_memory(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, writers: int, partitions: int
) -> None:
    """Many connectors run on one machine, in containers with a limit that kills them."""
    config = config_of(s3, s3_bucket, partition_by="at")
    batch = batch_of_4_mib(partitions)
    assert 3.8e6 < batch.nbytes < 4.8e6
    as_launched = connector_environment(os.environ)
    with connector_process(sys.executable, "-m", "towpath_destination_s3", environment=as_launched) as destination:
        receipts = write_all(destination, config, batch, writers)
        destination.complete(config, "job-1", receipts)
        assert peak_memory(destination.pid) < LIMIT
    assert len(objects(s3_client, s3_bucket)) >= writers * partitions
    files = [file for receipt in receipts for file in json.loads(receipt)["files"]]
    assert sum(file["rows"] for file in files) == BATCHES * batch.num_rows
