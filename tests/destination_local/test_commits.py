"""What a commit makes durable, what the next attempt discards, and what an older epoch can no longer do."""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from destination_local_steps import config_of, everything, ids, orders, running_destination, visible, write_rows
from file_steps import rows
from towpath_sdk import Fenced, StreamName, WriteMode
from towpath_sdk.testing import WriteSession
from towpath_sdk.testing.process import ConnectorProcess, connector_process

OTHERS = StreamName("public", "others")


def own_process() -> AbstractContextManager[ConnectorProcess]:
    return connector_process(sys.executable, "-m", "towpath_destination_local")


@pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.DEDUP])
def test_commit_survives_a_kill_that_comes_right_after_it(tmp_path: Path, mode: WriteMode) -> None:
    """The source may forget the rows as soon as the commit is stored."""
    config, stream = config_of(tmp_path), orders(mode)
    with own_process() as killed, killed.write(config, [stream]) as write:
        write.write(rows(1, 500))
        receipts = [write.commit().receipt]
        write.write(rows(501, 600))
        killed.signal(signal.SIGKILL)
        killed.wait_exit()
    with own_process() as another:
        another.complete(config, "write-1", receipts, [stream])
    assert ids(config) == list(range(1, 501))


def test_receipt_names_every_file_and_counts_its_rows(tmp_path: Path) -> None:
    """The receipt is all that is left of a commit when everything else is killed."""
    config, streams = config_of(tmp_path), [orders(), orders(name=OTHERS), orders(name=StreamName("", "empty"))]
    with running_destination() as destination, destination.write(config, streams) as write:
        write.write(rows(1, 3))
        write.write(rows(1, 5), stream=1)
        committed = write.commit()
        write.finish()
    receipt = json.loads(committed.receipt)
    assert committed.rows == {0: 3, 1: 5}
    assert (receipt["writer"], receipt["epoch"], receipt["commit"]) == ("writer-1", 1, 1)
    assert [(file["stream"]["name"], file["generation"], file["rows"]) for file in receipt["files"]] == [
        ("orders", 1, 3),
        ("others", 1, 5),
    ]


def test_nothing_is_visible_before_completion(tmp_path: Path) -> None:
    """No pattern for the visible files meets what is staged, wherever a reader begins to look."""
    config = config_of(tmp_path)
    with running_destination() as destination:
        write_rows(destination, config, [[rows(1, 3)], [rows(4, 6)]])
    assert list(Path(config["path"]).rglob("*.parquet")) == visible(config) == []
    assert len([name for name in everything(config) if name.endswith(".staged")]) == 2


def test_next_attempt_discards_exactly_what_no_receipt_names(tmp_path: Path) -> None:
    """An attempt is killed after a commit that was stored, one whose receipt was lost, and rows without a commit."""
    config, streams = config_of(tmp_path), [orders(), orders(name=OTHERS)]
    with own_process() as killed, killed.write(config, streams) as write:
        write.write(rows(1, 3))
        write.write(rows(1, 3), stream=1)
        stored = write.commit().receipt
        write.write(rows(4, 6))
        write.commit()
        killed.signal(signal.SIGKILL)
        killed.wait_exit()
    with running_destination() as destination:
        resumed = destination.write(config, streams, epoch=2, resume_after_commit_seq=1, receipts=[stored])
        with resumed as write:
            assert write.discarded == 1
            write.write(rows(4, 9))
            receipts = [stored, write.commit().receipt]
            write.finish()
        destination.complete(config, "write-1", receipts)
    assert (ids(config), ids(config, OTHERS)) == (list(range(1, 10)), [1, 2, 3])
    assert [name for name in everything(config) if "writes/" in name] == []


def test_attempt_leaves_the_files_of_other_writers_alone(tmp_path: Path) -> None:
    """One of eight writers is taken over; what the seven others have committed stays."""
    config = config_of(tmp_path)
    with running_destination() as destination:
        receipts = write_rows(destination, config, [[rows(1, 3)]], writer_id="writer-1")
        write_rows(destination, config, [[rows(7, 9)]], writer_id="writer-2")
        with destination.write(config, [orders()], writer_id="writer-2", epoch=2) as write:
            assert write.discarded == 1
            write.write(rows(4, 6))
            receipts.append(write.commit().receipt)
            write.finish()
        destination.complete(config, "write-1", receipts)
    assert ids(config) == [1, 2, 3, 4, 5, 6]


def _expect_fenced(write: WriteSession) -> None:
    with pytest.raises(Fenced):
        write.finish()


def test_older_epoch_is_shut_out_by_another_process_at_its_next_batch(tmp_path: Path) -> None:
    """A worker that was cut off wakes up while its successor is at work on another machine."""
    config = config_of(tmp_path)
    with own_process() as old, own_process() as new:
        with old.write(config, [orders()], epoch=1) as overruled:
            overruled.write(rows(1, 3))
            stored = overruled.commit().receipt
            opening = new.write(config, [orders()], epoch=2, resume_after_commit_seq=1, receipts=[stored])
            with opening as write:
                overruled.write(rows(4, 6))
                _expect_fenced(overruled)
                with pytest.raises(Fenced):
                    old.write(config, [orders()], epoch=1)
                write.write(rows(7, 9))
                receipts = [stored, write.commit().receipt]
                write.finish()
        new.complete(config, "write-1", receipts)
    assert ids(config) == [1, 2, 3, 7, 8, 9]


def test_of_attempts_that_open_at_once_in_many_processes_the_newest_wins(tmp_path: Path) -> None:
    """Each of them believes to be the only one; the fence has to be raised under its lock."""
    config = config_of(tmp_path)
    with running_destination() as one, running_destination() as two, running_destination() as three:
        together = threading.Barrier(12)

        def attempt(epoch: int) -> bytes | None:
            together.wait()
            try:
                with [one, two, three][epoch % 3].write(config, [orders()], epoch=epoch) as write:
                    write.write(rows(epoch, epoch))
                    return write.commit().receipt
            except Fenced:
                return None

        with ThreadPoolExecutor(12) as pool:
            receipts = list(pool.map(attempt, range(1, 13)))
        newest = receipts[-1]
        assert newest is not None
        one.complete(config, "write-1", [newest])
    assert ids(config) == [12]


def test_parallel_writers_of_one_stream_lose_and_mix_nothing(tmp_path: Path) -> None:
    """A large table is divided among writers, in several processes."""
    config, count = config_of(tmp_path, target_file_bytes=1 << 16), 6
    with own_process() as one, own_process() as two:

        def write(number: int) -> list[bytes]:
            commits = [[rows(1000 * number + 100 * commit, 1000 * number + 100 * commit + 49)] for commit in range(4)]
            return write_rows([one, two][number % 2], config, commits, writer_id=f"writer-{number}")

        with ThreadPoolExecutor(count) as pool:
            receipts = [receipt for receipts in pool.map(write, range(count)) for receipt in receipts]
        two.complete(config, "write-1", receipts, [orders()])
    assert ids(config) == [1000 * n + 100 * c + i for n in range(count) for c in range(4) for i in range(50)]


def test_writer_that_outlives_its_write_is_shut_out(tmp_path: Path) -> None:
    """The platform has given the job up; a writer that goes on must not stage what nobody will ever remove."""
    config = config_of(tmp_path)
    with running_destination() as destination:
        for end in (lambda: destination.abort(config, "write-1"), lambda: destination.complete(config, "write-1", [])):
            with destination.write(config, [orders()]) as write:
                write.write(rows(1, 3))
                write.commit()
                end()
                write.write(rows(4, 6))
                _expect_fenced(write)
    assert [name for name in everything(config) if "writes/" in name] == []


def test_job_waits_while_somebody_holds_the_folder(tmp_path: Path) -> None:
    """A backup of the folder is whole when nothing is published meanwhile; see the README."""
    config = config_of(tmp_path)
    lock = Path(config["path"], "_towpath", "lock")
    lock.parent.mkdir(parents=True)
    with running_destination() as destination, ThreadPoolExecutor(1) as pool:
        receipts = write_rows(destination, config, [[rows(1, 3)]])
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            completing = pool.submit(destination.complete, config, "write-1", receipts)
            with pytest.raises(TimeoutError):
                completing.result(0.5)
            assert ids(config) == []
        completing.result(30)
    assert ids(config) == [1, 2, 3]
