"""Memory: however large a table is, the process that reads it stays small."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from fix_postgres import Database
from source_postgres_sources import config_of, run
from towpath.connector.v1 import source_pb2
from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk._wire.catalogs import read_stream_to_wire
from towpath_sdk.client import ConnectorClient
from towpath_sdk.framing import peek
from towpath_sdk.testing import config_json

MOST_BYTES = 400 << 20
ROWS = 1_000_000


@contextmanager
def source_process(folder: Path) -> Generator[tuple[subprocess.Popen[bytes], str]]:
    """Run the connector as it runs in production: a process of its own on a Unix socket."""
    address = f"unix:{folder / 'source.sock'}"
    process = subprocess.Popen(
        [sys.executable, "-m", "towpath_source_postgres"],
        env={"PATH": os.environ["PATH"], "TOWPATH_LISTEN": address},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process, address
    finally:
        process.terminate()
        process.wait(20)


async def rows_read(address: str, config: str, stream: ReadStream) -> int:
    """Read a stream to its end, acknowledging each checkpoint, without decoding it; returns its rows."""
    async with ConnectorClient(address) as client:
        await client.wait_ready(20)
        call = client.read()
        opening = source_pb2.ReadOpen(config_json=config, streams=[read_stream_to_wire(stream, b"")])
        await call.write(source_pb2.ReadRequest(open=opening).SerializeToString())
        rows = 0
        while True:
            message = await call.read()
            assert isinstance(message, bytes), "the read ended without saying that it finished"
            header = peek(message).batch
            if header is not None:
                rows += header.rows
                continue
            response = source_pb2.ReadResponse.FromString(message)
            if response.HasField("checkpoint"):
                ack = source_pb2.ReadAck(checkpoint_seq=response.checkpoint.checkpoint_seq)
                await call.write(source_pb2.ReadRequest(ack=ack).SerializeToString())
            assert not response.status.HasField("failure"), response.status
            if response.HasField("finished"):
                await call.done_writing()
                return rows


def peak_bytes(process: subprocess.Popen[bytes]) -> int:
    """The largest resident set that a process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) << 10


async def test_table_of_a_gigabyte_is_read_in_400_megabytes(postgres_database: Database, tmp_path: Path) -> None:
    """A connector's container has a limit; reading ahead, and pieces of 128 MiB, must not add up to the table."""
    with postgres_database.connect() as connection:
        run(
            connection,
            "CREATE UNLOGGED TABLE t (a int, price numeric(15,2), b text, c text);"
            f"INSERT INTO t SELECT n, n / 100.0, repeat(md5(n::text), 15), repeat(md5((-n)::text), 15)"
            f" FROM generate_series(1, {ROWS}) AS n",
        )
        ((size,),) = run(connection, "SELECT pg_table_size('t')")
    assert size > 1_000_000_000
    stream = ReadStream(StreamName("public", "t"), ReadMode.SNAPSHOT)
    with source_process(tmp_path) as (process, address):
        assert await rows_read(address, config_json(config_of(postgres_database)), stream) == ROWS
        peak = peak_bytes(process)
    assert peak < MOST_BYTES
