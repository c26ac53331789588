# ruff: noqa: ARG002 - the signatures are the SDK's
"""A Write: what the author's code sees, what the receipts say, and who may write."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

import pyarrow as pa
import pytest
from sdk_blocking import eventually
from sdk_shelf import ORDERS, Shelf, ShelfConfig, ShelfWriter, numbers
from towpath.connector.v1 import destination_pb2, types_pb2
from towpath_sdk import (
    Batch,
    Bug,
    ColumnPlan,
    Committed,
    Context,
    Fenced,
    Fit,
    Misconfigured,
    OpenWrite,
    StreamName,
    Throttled,
    TowpathError,
    Unavailable,
    WriteMode,
    Writer,
    WriteStream,
)
from towpath_sdk._serve.write_ledger import WriteLedger
from towpath_sdk._wire.catalogs import write_stream_to_wire
from towpath_sdk.testing import WriteSession, connector_under_test

ITEMS = WriteStream(StreamName("", "items"), WriteMode.OVERWRITE, ("id",), 3, 3)
COMPLETE, INCOMPLETE = types_pb2.StreamStatus.STATE_COMPLETE, types_pb2.StreamStatus.STATE_INCOMPLETE


def test_commit_returns_a_receipt_and_counts_rows() -> None:
    """The platform stores the receipt; without it nothing of the commit is ever published."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector, connector.write({}, [ORDERS, ITEMS]) as write:
        write.write(numbers(1, 2))
        write.write(numbers(3), stream=1)
        write.write(numbers(4), stream=0)
        first = write.commit()
        second = write.commit()
        write.write(numbers(5, 6, 7), stream=1)
        third = write.commit()
        statuses = write.finish()
    assert [committed.receipt for committed in (first, second, third)] == [
        b"writer-1 1 1",
        b"writer-1 1 2",
        b"writer-1 1 3",
    ]
    assert [committed.rows for committed in (first, second, third)] == [{0: 3, 1: 1}, {}, {1: 3}]
    assert [status.state for status in statuses] == [COMPLETE, COMPLETE]
    assert (shelf.writer.values, shelf.writer.commits, shelf.writer.closed) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3], 1)
    assert [batch.batch_seq for batch in shelf.writer.batches] == [1, 2, 3, 4]


def test_author_gets_what_the_broker_opened_with() -> None:
    """Generations and receipts decide what is discarded and what is replaced."""
    shelf = Shelf()
    with (
        connector_under_test(shelf) as connector,
        connector.write(
            {},
            [ORDERS, ITEMS],
            write_id="job-9",
            writer_id="w",
            epoch=4,
            resume_after_commit_seq=7,
            receipts=[b"a", b"b"],
        ) as write,
    ):
        committed = write.commit()
        write.finish()
    assert shelf.writer.opened == OpenWrite("job-9", "w", 4, [ORDERS, ITEMS], 7, (b"a", b"b"))
    assert committed.receipt == b"w 4 8"


def test_batches_arrive_as_they_were_sent() -> None:
    """Types, dictionaries and keys are the author's to store, unchanged."""
    shelf = Shelf()
    colours = pa.table(
        {
            "colour": pa.array(["red", "green", "red"] * 50).dictionary_encode(),
            "at": pa.array([1] * 150, pa.timestamp("us", "UTC")),
        }
    )
    changed = pa.table(
        {"colour": pa.array(["blue", None]).dictionary_encode(), "at": pa.array([2, None], pa.timestamp("us", "UTC"))}
    )
    with connector_under_test(shelf) as connector, connector.write({}, [ORDERS]) as write:
        write.write(colours, primary_key=["at"])
        write.write(changed)
        write.write(numbers(1))
        write.commit()
        write.finish()
    batches = shelf.writer.batches
    assert pa.Table.from_batches([batches[0].records]).equals(colours)
    assert pa.Table.from_batches([batches[1].records]).equals(changed)
    assert batches[2].records.equals(numbers(1))
    assert [tuple(batch.primary_key) for batch in batches] == [("at",), ("at",), ()]


def test_rows_after_the_last_commit_are_not_complete() -> None:
    """What no commit covers is discarded, and must not be reported as delivered."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector, connector.write({}, [ORDERS, ITEMS]) as write:
        write.write(numbers(1))
        write.commit()
        write.write(numbers(2), stream=1)
        statuses = write.finish()
    assert [status.state for status in statuses] == [COMPLETE, INCOMPLETE]
    assert shelf.writer.commits == [1]


def test_broker_that_vanishes_commits_nothing_and_closes_the_writer() -> None:
    """After a crash of the worker files and connections must be free for the next attempt."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector:
        with connector.write({}, [ORDERS]) as write:
            write.write(numbers(1))
        eventually(lambda: shelf.writer.closed == 1)
        eventually(lambda: connector.running_threads == 0)
    assert shelf.writer.commits == []


def test_two_writes_at_the_same_time_do_not_mix() -> None:
    """One process serves many jobs at once."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector:
        one = connector.write({}, [ORDERS], write_id="job-1")
        two = connector.write({}, [ORDERS], write_id="job-2")
        other_writer = connector.write({}, [ORDERS], write_id="job-1", writer_id="writer-2")
        for n in range(20):
            one.write(numbers(n))
            two.write(numbers(100 + n))
            other_writer.write(numbers(200 + n))
        receipts = [write.commit().receipt for write in (two, other_writer, one)]
        for write in (one, two, other_writer):
            write.finish()
    assert [writer.values for writer in shelf.writers] == [[start + n for n in range(20)] for start in (0, 100, 200)]
    assert receipts == [b"writer-1 1 1", b"writer-2 1 1", b"writer-1 1 1"]
    assert [writer.closed for writer in shelf.writers] == [1, 1, 1]


def test_newer_epoch_fences_the_older_one() -> None:
    """A worker that was cut off and wakes up must not write beside its successor."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector:
        old = connector.write({}, [ORDERS], epoch=1)
        old.write(numbers(1))
        with connector.write({}, [ORDERS], epoch=2) as new:
            assert shelf.writers[0].closed == 1  # before its successor was opened
            with pytest.raises(Fenced) as fenced:
                old.commit()
            new.write(numbers(2))
            new.commit()
            new.finish()
        with pytest.raises(Fenced) as late:
            connector.write({}, [ORDERS], epoch=1)
    assert fenced.value.reason == late.value.reason == "FENCED"
    assert [writer.commits for writer in shelf.writers] == [[], [1]]


def test_fence_waits_for_a_writer_that_is_blocked() -> None:
    """While the oldest thread is inside of the store, its successors would race it; only the newest may follow."""
    shelf = Shelf()
    shelf.may_write.clear()
    with connector_under_test(shelf) as connector:
        oldest = connector.write({}, [ORDERS], epoch=1)
        oldest.write(numbers(1))
        assert shelf.inside_write.wait(20)  # fenced any earlier, it would not be blocked
        waiting = [connector.raw_write() for _ in range(2)]
        for epoch, call in enumerate(waiting, 2):
            opening = destination_pb2.WriteOpen(config_json="{}", write_id="write-1", writer_id="writer-1", epoch=epoch)
            opening.streams.append(write_stream_to_wire(ORDERS))
            call.send(destination_pb2.WriteRequest(open=opening).SerializeToString())
        with pytest.raises(Fenced):
            oldest.receive()
        time.sleep(0.3)
        assert [writer.opened.epoch for writer in shelf.writers] == [1]
        shelf.may_write.set()
        with pytest.raises(Fenced):
            waiting[0].receive()
        assert waiting[1].receive() is not None
        assert [writer.opened.epoch for writer in shelf.writers] == [1, 3]


def test_write_that_ended_leaves_nothing_behind() -> None:
    """A connector that serves for months remembers epochs, not batches and passwords."""
    before = len(ledgers())
    with connector_under_test(Shelf()) as connector:
        for job in range(20):
            with connector.write({}, [ORDERS], write_id=f"job-{job}") as write:
                write.finish()
        eventually(lambda: connector.running_threads == 0)
        eventually(lambda: len(ledgers()) <= before)


def ledgers() -> list[WriteLedger]:
    """Return what is left of writes; failures that other tests keep hold some."""
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, WriteLedger)]


def test_another_write_of_the_same_writer_name_is_not_fenced() -> None:
    """Epochs are counted per job."""
    with connector_under_test(Shelf()) as connector:
        for write_id, epoch in (("job-1", 5), ("job-2", 1)):
            with connector.write({}, [ORDERS], write_id=write_id, epoch=epoch) as write:
                write.finish()


def test_exception_in_mid_write_aborts_and_commits_nothing() -> None:
    """A store that refuses the third batch has not stored the first two for good."""

    def refuse(batch: Batch) -> None:
        if batch.batch_seq == 3:
            raise Unavailable("the store has gone", reason="STORE_GONE")

    shelf = Shelf(refuse)
    with connector_under_test(shelf) as connector:
        with connector.write({}, [ORDERS]) as write:
            for n in range(3):
                write.write(numbers(n))
            with pytest.raises(Unavailable) as failed:
                write.commit()
        assert connector.spec().connector_version == "0.1.0"
    assert failed.value.reason == "STORE_GONE"
    assert (shelf.writer.commits, shelf.writer.closed) == ([], 1)
    assert shelf.writer.values == [0, 1]


def test_failure_to_close_is_not_lost() -> None:
    """A writer that cannot close may have left parts behind; the operator has to hear of it."""

    class Stuck(ShelfWriter):
        def close(self) -> None:
            raise Unavailable("the parts could not be removed", reason="LEFTOVERS")

    class StuckShelf(Shelf):
        def open(self, config: ShelfConfig, write: OpenWrite, context: Context) -> Writer:
            return Stuck(write, self)

    with (
        connector_under_test(StuckShelf()) as connector,
        connector.write({}, [ORDERS]) as write,
        pytest.raises(Unavailable) as failed,
    ):
        write.finish()
    assert failed.value.reason == "LEFTOVERS"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (Committed(b"holds s3cr3t-value inside"), "SECRET_IN_RECEIPT"),
        (Committed(b"r", {5: 1}), "BUG"),
        (Committed(b"r", {0: -1}), "BUG"),
    ],
)
def test_commit_that_cannot_be_right_is_a_bug(made: Committed, reason: str) -> None:
    """Receipts are stored and shown, and rows are compared; both are checked where they are made."""

    class Wrong(ShelfWriter):
        def commit(self, commit_seq: int) -> Committed:
            return made

    class WrongShelf(Shelf):
        def open(self, config: ShelfConfig, write: OpenWrite, context: Context) -> Writer:
            return Wrong(write, self)

    with (
        connector_under_test(WrongShelf()) as connector,
        connector.write({"password": "s3cr3t-value"}, [ORDERS]) as write,
        pytest.raises(Bug) as failed,
    ):
        write.commit()
    assert failed.value.reason == reason


def test_rows_that_an_author_counts_are_passed_on() -> None:
    """A destination that counts what it has stored tells more than one that repeats what it was given."""

    class Counting(ShelfWriter):
        def commit(self, commit_seq: int) -> Committed:
            return Committed(b"r", {0: 41})

    class CountingShelf(Shelf):
        def open(self, config: ShelfConfig, write: OpenWrite, context: Context) -> Writer:
            return Counting(write, self)

    with connector_under_test(CountingShelf()) as connector, connector.write({}, [ORDERS]) as write:
        write.write(numbers(1, 2))
        assert write.commit().rows == {0: 41}


def test_prepare_plans_each_column() -> None:
    """What a destination cannot hold is known before the data move."""
    given: list[Sequence[pa.Schema]] = []

    class Planning(Shelf):
        def prepare(
            self,
            config: ShelfConfig,
            write_id: str,
            streams: Sequence[WriteStream],
            schemas: Sequence[pa.Schema],
            *,
            dry_run: bool,
        ) -> list[ColumnPlan]:
            given.append(schemas)
            return [ColumnPlan(1, "Größe", "groesse", Fit.LOSSY, f"{write_id} {dry_run} {streams[1].name}")]

    wanted = [numbers().schema, pa.schema([("Größe", pa.decimal128(38, 2))])]
    with connector_under_test(Planning()) as connector:
        plans = connector.prepare({}, "job-1", [ORDERS, ITEMS], wanted, dry_run=True)
    assert plans == [ColumnPlan(1, "Größe", "groesse", Fit.LOSSY, "job-1 True items")]
    assert given == [wanted]


def test_unprepared_destination_stores_columns_as_they_are() -> None:
    """A destination without plans need not write a method for it."""
    with connector_under_test(Shelf()) as connector:
        assert connector.prepare({}, "job-1", [ORDERS], [numbers().schema]) == []


def test_complete_and_abort_reach_the_author() -> None:
    """They carry everything, because another process may have written."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector:
        connector.complete({}, "job-1", [b"a", b"b"], [ITEMS])
        connector.abort({}, "job-2")
    assert shelf.completed == [("job-1", (b"a", b"b"), [ITEMS])]
    assert shelf.aborted == ["job-2"]


@pytest.mark.parametrize(
    ("write_id", "writer_id", "streams"),
    [
        ("", "w", [ORDERS]),
        ("j", "", [ORDERS]),
        ("j", "w", []),
        ("j", "w", [WriteStream(StreamName("", "x"), WriteMode.DEDUP)]),
    ],
)
def test_open_that_cannot_be_is_refused(write_id: str, writer_id: str, streams: list[WriteStream]) -> None:
    """The broker hears which field is at fault before any data flow."""
    shelf = Shelf()
    with connector_under_test(shelf) as connector, pytest.raises(Misconfigured):
        connector.write({}, streams, write_id=write_id, writer_id=writer_id)
    assert shelf.writers == []


def test_log_of_the_author_reaches_the_job() -> None:
    """What a destination has to say belongs beside the job, not only on the machine."""

    class Talking(Shelf):
        def open(self, config: ShelfConfig, write: OpenWrite, context: Context) -> Writer:
            context.log("warning", "bucket has no versioning", bucket="b", epoch=context.attempt)
            return super().open(config, write, context)

    with connector_under_test(Talking()) as connector, connector.write({}, [ORDERS], epoch=3) as write:
        write.finish()
    (entry,) = write.logs
    assert (entry.level, entry.message) == (types_pb2.LogEntry.LEVEL_WARN, "bucket has no versioning")
    assert dict(entry.attributes) == {"bucket": "b", "epoch": "3"}


def test_failure_arrives_whole_while_the_broker_is_sending() -> None:
    """An outage is to be retried; of writes that it cuts off gRPC reports INTERNAL, which is not."""

    def refuse(batch: Batch) -> None:
        raise Throttled("slow down", reason="SLOW_DOWN")

    def send_many(write: WriteSession) -> None:
        write.write(many)
        write.commit()

    failures: list[str] = []
    many = pa.Table.from_batches([numbers(*range(1000))] * 200)
    with connector_under_test(Shelf(refuse)) as connector:
        for epoch in range(1, 31):
            with connector.write({}, [ORDERS], epoch=epoch) as write, pytest.raises(TowpathError) as failed:
                send_many(write)
            failures.append(failed.value.reason)
    assert failures == ["SLOW_DOWN"] * 30
