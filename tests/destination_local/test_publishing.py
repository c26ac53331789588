"""The end of a write: it publishes exactly what the receipts name, whatever was killed in between."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from destination_local_crashes import crashes
from destination_local_steps import (
    ORDERS,
    config_of,
    everything,
    ids,
    orders,
    publish_rows,
    running_destination,
    shown,
    visible,
    write_rows,
)
from file_steps import rows
from towpath_destination_local import publish
from towpath_destination_local.config import LocalConfig
from towpath_sdk import Bug, StreamName, WriteMode, WriteStream

OTHERS = StreamName("public", "others")


def named(name: str, *numbers: int) -> pa.RecordBatch:
    """Rows with these ids."""
    return pa.record_batch({"id": pa.array(numbers, pa.int64()), "name": [name] * len(numbers)})


@dataclass
class Write:
    """A write that is committed and not completed, and the folder as it was then, to go back to."""

    config: Mapping[str, Any]
    saved: Path
    receipts: Sequence[bytes]
    streams: Sequence[WriteStream]

    def complete(self) -> None:
        """Publish it, in this thread."""
        publish.complete(LocalConfig(**self.config), "write-2", self.receipts, self.streams)

    def abort(self) -> None:
        """Give it up."""
        publish.abort(LocalConfig(**self.config), "write-2")

    def back(self) -> None:
        """Bring the folder back."""
        shutil.rmtree(self.config["path"])
        shutil.copytree(self.saved, self.config["path"])

    def seen(self) -> list[list[tuple[Any, ...]]]:
        """What readers see of each stream."""
        return [shown(self.config, stream.name) for stream in self.streams]


def appending(folder: Path) -> Write:
    """Two streams grow."""
    return _write(folder, [orders(), orders(name=OTHERS)])


def replacing(folder: Path) -> Write:
    """A second generation takes the place of a first one of several files."""
    return _write(folder, [orders(WriteMode.OVERWRITE, generation=2, minimum=2)])


def merging(folder: Path) -> Write:
    """Rows are replaced and deleted in a stream of one file, and in one of several."""
    return _write(folder, [orders(WriteMode.DEDUP), orders(WriteMode.DEDUP, name=OTHERS)])


def _write(folder: Path, streams: Sequence[WriteStream]) -> Write:
    config = config_of(folder, target_file_bytes=1 << 16)
    before = [WriteStream(s.name, s.mode, s.primary_key, 1, 0) for s in streams]
    with running_destination() as destination:
        for number, stream in enumerate(before):
            commits = [[rows(1, 4)], [rows(5, 9)]] if stream.mode is not WriteMode.DEDUP else [[rows(1, 9)]]
            receipts = write_rows(destination, config, commits, stream, write_id=f"before-{number}")
            destination.complete(config, f"before-{number}", receipts, [stream])
        with destination.write(config, streams, write_id="write-2") as write:
            for number in range(len(streams)):
                write.write(named("new", 8, 10), stream=number)
            write.commit()
            for number in range(len(streams)):
                write.write(named("newer", 10, 11), stream=number)
            write.commit()
            write.finish()
    saved = folder / "saved"
    shutil.copytree(config["path"], saved)
    return Write(config, saved, write.receipts, streams)


EVERY_WAY = pytest.mark.parametrize("prepare", [appending, replacing, merging])


@EVERY_WAY
def test_completion_that_crashed_anywhere_is_finished_by_the_next_one(
    tmp_path: Path, prepare: Callable[[Path], Write]
) -> None:
    """Half a publication that cannot be repeated is the one failure that nobody can mend from outside."""
    write = prepare(tmp_path)
    write.complete()
    finished = write.seen()
    write.back()
    before = write.seen()
    assert before != finished
    crashed = 0
    for _ in crashes(write.complete):
        crashed += 1
        if not any('pending": {' in path.read_text() for path in Path(write.config["path"]).rglob("*.json")):
            assert all(seen in (old, new) for seen, old, new in zip(write.seen(), before, finished, strict=True))
        write.complete()
        assert write.seen() == finished
        assert [name for name in everything(write.config) if "writes/" in name or ".staged" in name] == []
        write.back()
    assert crashed > 15
    assert write.seen() == finished


@EVERY_WAY
def test_write_that_is_aborted_after_a_crash_in_completion_leaves_each_stream_whole(
    tmp_path: Path, prepare: Callable[[Path], Write]
) -> None:
    """The platform decides once; but whatever it does, no stream may be left between two states."""
    write = prepare(tmp_path)
    before = write.seen()
    write.complete()
    finished = write.seen()
    write.back()
    outcomes: set[str] = set()
    for _ in crashes(write.complete):
        write.abort()
        for seen, old, new in zip(write.seen(), before, finished, strict=True):
            assert seen in (old, new)
            outcomes.add("old" if seen == old else "new")
        assert [name for name in everything(write.config) if "writes/" in name] == []
        write.back()
    assert outcomes == {"old", "new"}


@EVERY_WAY
def test_next_job_finishes_what_a_crashed_one_has_decided(tmp_path: Path, prepare: Callable[[Path], Write]) -> None:
    """Nobody may ever come back to the crashed job; what it decided is visible in part."""
    write = prepare(tmp_path)
    write.complete()
    finished = write.seen()
    write.back()
    before = write.seen()
    stream = orders(generation=2)
    for _ in crashes(write.complete):
        publish_rows(write.config, named("later", 99), stream=stream, write_id="write-3")
        seen = [row for row in shown(write.config) if row[0] != 99]
        assert seen in (before[0], finished[0])
        write.back()


def test_completion_may_be_repeated_long_after_it_was_replaced(tmp_path: Path) -> None:
    """A worker that was away for a day repeats its last call; the rows of then are not brought back."""
    config, first = config_of(tmp_path), orders(WriteMode.OVERWRITE, generation=1, minimum=1)
    receipts = publish_rows(config, rows(1, 3), stream=first, write_id="write-1")
    publish_rows(config, rows(4, 6), stream=orders(WriteMode.OVERWRITE, generation=2, minimum=2), write_id="write-2")
    with running_destination() as destination:
        destination.complete(config, "write-1", receipts, [first])
    assert ids(config) == [4, 5, 6]


def test_write_id_that_is_used_again_publishes_again(tmp_path: Path) -> None:
    """Whoever tries things out by hand uses one name for all; nothing of it may vanish."""
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 3))
    publish_rows(config, rows(4, 6))
    assert ids(config) == [1, 2, 3, 4, 5, 6]


def test_rows_that_somebody_removed_before_publication_are_missed_aloud(tmp_path: Path) -> None:
    """A job that ends well without its rows is worse than one that fails."""
    config = config_of(tmp_path)
    with running_destination() as destination:
        receipts = write_rows(destination, config, [[rows(1, 3)]])
        for path in Path(config["path"]).rglob("*.staged"):
            path.unlink()
        with pytest.raises(Bug, match=r"3 committed rows of public\.orders are gone") as failure:
            destination.complete(config, "write-1", receipts)
    assert failure.value.reason == "STAGED_FILE_LOST"


def test_replaced_generation_stays_until_its_stream_completes(tmp_path: Path) -> None:
    """A refresh that is cancelled must not cost its user the rows of yesterday."""
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 3), stream=orders(WriteMode.OVERWRITE, minimum=1))
    second = orders(WriteMode.OVERWRITE, generation=2, minimum=2)
    with running_destination() as destination:
        receipts = write_rows(destination, config, [[rows(4, 6)]], second, write_id="write-2")
        destination.complete(config, "write-2", receipts, [])
        assert ids(config) == [1, 2, 3, 4, 5, 6]
        receipts = write_rows(destination, config, [[rows(7, 9)]], second, write_id="write-3")
        destination.complete(config, "write-3", receipts, [second])
    assert ids(config) == [4, 5, 6, 7, 8, 9]


def test_files_of_others_in_the_folder_of_a_stream_are_safe(tmp_path: Path) -> None:
    """People put things beside their data; a refresh removes what the manifest lists, and nothing else."""
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 3), stream=orders(WriteMode.OVERWRITE, minimum=1))
    note = Path(config["path"], "public", "orders", "README.md")
    note.write_text("mine")
    publish_rows(config, rows(4, 6), stream=orders(WriteMode.OVERWRITE, generation=2, minimum=2), write_id="write-2")
    assert note.read_text() == "mine"
    assert ids(config) == [4, 5, 6]


def test_two_jobs_that_publish_one_stream_at_once_lose_nothing(tmp_path: Path) -> None:
    """Two connections may feed one folder; the manifest is changed under the stream's lock."""
    config, count = config_of(tmp_path), 8
    with running_destination() as one, running_destination() as two:
        receipts = [write_rows(one, config, [[rows(10 * n, 10 * n + 4)]], write_id=f"write-{n}") for n in range(count)]
        threads = [
            threading.Thread(target=[one, two][n % 2].complete, args=(config, f"write-{n}", receipts[n]))
            for n in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ids(config) == [10 * n + i for n in range(count) for i in range(5)]


def test_reader_of_a_small_stream_never_sees_a_row_twice_or_not_at_all(tmp_path: Path) -> None:
    """While jobs upsert, somebody else asks the folder again and again, as dashboards do."""
    config = config_of(tmp_path)
    stream = orders(WriteMode.DEDUP)
    publish_rows(config, rows(1, 200), stream=stream)
    done = threading.Event()
    wrong: list[list[int]] = []

    def read() -> None:
        while not done.is_set():
            seen = ids(config)
            if seen != list(range(1, 201)):
                wrong.append(seen)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(15):
            publish_rows(config, rows(1, 200), stream=stream, write_id=f"write-{number}")
    finally:
        done.set()
        reader.join()
    assert wrong == []
    assert len(visible(config)) == 1


def test_stream_without_rows_has_no_files(tmp_path: Path) -> None:
    """An empty table is a folder without files, and not one that cannot be read."""
    config = config_of(tmp_path)
    with running_destination() as destination:
        receipts = write_rows(destination, config, [[]])
        destination.complete(config, "write-1", receipts, [orders()])
    assert visible(config, ORDERS) == []
