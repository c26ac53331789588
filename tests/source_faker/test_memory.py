"""Memory: however many rows are made up, the process stays small."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk._serve.call_context import CallContext
from towpath_sdk.testing import connector_process
from towpath_source_faker import FakerConfig, FakerSource

MOST_BYTES = 250 << 20
ROWS = 1_000_000
CONFIG = {"seed": 1, "rows": ROWS, "row_bytes": 500}


def test_half_a_gigabyte_is_made_in_250_megabytes() -> None:
    """Tests of others run it for minutes beside what they measure."""
    with connector_process(sys.executable, "-m", "towpath_source_faker") as connector:
        session = connector.open_read(CONFIG, ReadStream(StreamName("", "events"), ReadMode.SNAPSHOT))
        (result,) = session.results
        rows = size = 0
        for response in session:
            if response.HasField("batch"):
                rows += response.batch.rows
                size += len(response.batch.ipc_messages)
            elif response.HasField("checkpoint"):
                session.ack(response.checkpoint.checkpoint_seq)
            result.batches.clear()
            result.messages.clear()
        peak = _peak_bytes(connector.pid)
    assert rows == ROWS
    assert size > 500_000_000
    assert peak < MOST_BYTES


def _peak_bytes(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) << 10


@pytest.mark.parametrize(
    "more",
    [{}, {"row_bytes": 1_000_000, "rows": 200}, {"batch_rows": 1 << 20}, {"wide_columns": 5000, "rows": 600}],
    ids=str,
)
@pytest.mark.parametrize("stream", ["events", "types", "wide"])
def test_no_batch_is_made_of_more_than_some_mebibytes(stream: str, more: dict[str, Any]) -> None:
    """The SDK cuts what is too large, but it is made before that; 16,384 rows of a thousand columns are 131 MB."""
    source, config = FakerSource(), FakerConfig.model_validate({"seed": 1, "rows": 3000, **more})
    records = source.read(config, ReadStream(StreamName("", stream), ReadMode.SNAPSHOT), CallContext())
    sizes = [record.nbytes for record in records if isinstance(record, pa.RecordBatch)]
    assert len(sizes) > 1 or stream != "wide"
    assert sum(sizes) > 3000
    assert max(sizes) < 8 << 20
