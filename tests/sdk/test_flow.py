"""Whoever is slow slows the others down; nobody piles up what the slow one has not taken."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyarrow as pa
import pytest
from sdk_blocking import THINGS, eventually
from sdk_shelf import ORDERS, Shelf
from sdk_yielding import Yielding
from towpath_sdk import Context, ReadStream, Record, Unavailable
from towpath_sdk.testing import connector_under_test

MIB = 1024 * 1024
BOUND = 64 * MIB
"""What one sync may have in flight, over all of its processes."""


def test_source_waits_for_a_reader_that_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    """A destination that is down for an hour must not fill the source's memory, nor its end look like a failure."""
    yielded = 0
    one_mib = pa.record_batch({"n": range(MIB // 8)})

    def produce(_stream: ReadStream, _context: Context) -> Iterator[Record]:
        nonlocal yielded
        for _ in range(1000):
            yield one_mib
            yielded += one_mib.nbytes

    with connector_under_test(Yielding(produce), batch_bytes=MIB) as connector:
        session = connector.open_read({}, THINGS)
        session.receive()
        before = -1
        while before != yielded:
            before = yielded
            time.sleep(0.3)
        assert 0 < yielded < BOUND
        session.cancel()
        eventually(lambda: connector.running_threads == 0)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_large_rows_wait_as_well() -> None:
    """Rows are gathered by bytes, so that a thousand large ones are not a batch."""
    yielded = 0

    def produce(_stream: ReadStream, _context: Context) -> Iterator[Record]:
        nonlocal yielded
        for n in range(1000):
            yield {"n": n, "text": "x" * MIB}
            yielded += MIB

    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    with connector_under_test(Yielding(produce, schema), batch_bytes=MIB) as connector:
        session = connector.open_read({}, THINGS)
        session.receive()
        before = -1
        while before != yielded:
            before = yielded
            time.sleep(0.3)
        assert 0 < yielded < BOUND
        session.cancel()


def test_destination_that_is_slow_stops_its_sender() -> None:
    """What the store does not take must stay at the source, not in the connector's queue."""
    shelf = Shelf()
    shelf.may_write.clear()
    one_mib = pa.record_batch({"n": range(MIB // 8)})
    with connector_under_test(shelf, batch_bytes=MIB, timeout=2) as connector, connector.write({}, [ORDERS]) as write:
        with pytest.raises(Unavailable) as blocked:
            write.write(pa.Table.from_batches([one_mib] * 1000))
        assert blocked.value.reason == "TIMEOUT"
        assert 0 < write.batch_seq * one_mib.nbytes < BOUND
        shelf.may_write.set()


def test_slow_reader_gets_every_row_in_the_end() -> None:
    """Waiting must lose nothing and change no order."""
    table = pa.table({"n": range(400_000)})
    with connector_under_test(Yielding(lambda _stream, _context: [table]), batch_bytes=64 * 1024) as connector:
        session = connector.open_read({}, THINGS)
        for number, response in enumerate(session):
            if number % 10 == 0:
                time.sleep(0.02)
            if response.WhichOneof("message") == "checkpoint":
                session.ack(response.checkpoint.checkpoint_seq)
    assert session.results[0].table.equals(table)
