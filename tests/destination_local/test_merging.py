"""Upserts, deletes, partial updates and truncates, beside a model that is a dictionary."""

from __future__ import annotations

import json
import math
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from destination_local_steps import (
    ORDERS,
    config_of,
    orders,
    publish_rows,
    running_destination,
    shown,
    table,
    visible,
    write_rows,
)
from file_steps import rows
from hypothesis import given, settings
from hypothesis import strategies as st
from towpath_destination_local import publish
from towpath_destination_local.changes import Changes
from towpath_destination_local.config import LocalConfig
from towpath_sdk import BadRecord, Conflict, Misconfigured, WriteMode

UPSERT, PARTIAL, DELETE, TRUNCATE = 1, 2, 3, 4
DEDUP = orders(WriteMode.DEDUP, key=("region", "id"))
COLUMNS = ("a", "b")


@dataclass(frozen=True)
class Change:
    """A row of a change stream; a partial update sets the columns in `values`, the others are not in its batch."""

    op: int
    key: tuple[str | None, int | None]
    values: Mapping[str, str | None]


def applied(held: dict[Any, dict[str, Any]], changes: Sequence[Change]) -> None:
    """The model."""
    for change in changes:
        if change.op == TRUNCATE:
            held.clear()
        elif change.op == DELETE:
            held.pop(change.key, None)
        elif change.op == PARTIAL:
            held[change.key] = {**held.get(change.key, dict.fromkeys(COLUMNS)), **change.values}
        else:
            held[change.key] = {**dict.fromkeys(COLUMNS), **change.values}


def batch_of(change: Change) -> pa.RecordBatch:
    """One change as a batch, as a source sends it that announces a schema for each set of columns."""
    region, number = change.key
    columns = COLUMNS if change.op != PARTIAL else tuple(change.values)
    return pa.record_batch(
        {
            "_towpath_op": pa.array([change.op], pa.uint8()),
            "_towpath_position": pa.array([b"\x00"], pa.binary()),
            "region": pa.array([region], pa.string()),
            "id": pa.array([number], pa.int32()),
            **{name: pa.array([change.values.get(name)], pa.string()) for name in columns},
        }
    )


def seen(config: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    found: list[dict[str, Any]] = table(config).to_pylist()
    columns = ("region", "id", *COLUMNS)
    assert all(set(row) <= set(columns) for row in found)
    return sorted((tuple(row.get(name) for name in columns) for row in found), key=repr)


VALUES = st.none() | st.sampled_from(["x", "y", "\x01", "\x01\x02"])
KEYS = st.tuples(st.none() | st.sampled_from(["", "\x01", "\x01\x02", "n"]), st.none() | st.integers(0, 2))
FULL = st.fixed_dictionaries({"a": VALUES, "b": VALUES})
PARTS = st.dictionaries(st.sampled_from(COLUMNS), VALUES, max_size=2)
CHANGES = st.one_of(
    st.builds(Change, st.just(UPSERT), KEYS, FULL),
    st.builds(Change, st.just(UPSERT), KEYS, FULL),
    st.builds(Change, st.just(PARTIAL), KEYS, PARTS),
    st.builds(Change, st.just(DELETE), KEYS, st.just({})),
    st.builds(Change, st.just(TRUNCATE), st.just((None, None)), st.just({})),
)
JOBS = st.lists(st.lists(st.lists(CHANGES, max_size=6), max_size=3), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(JOBS, st.sampled_from([1, 3, 1000]))
def test_whatever_changes_come_the_stream_equals_the_model(jobs: list[list[list[Change]]], rows_per_range: int) -> None:
    """It is the definition of the mode: in the order of delivery, across batches, commits and jobs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        running_destination() as destination,
    ):
        patch.setattr(Changes, "of", partial(Changes.of, rows_per_range=rows_per_range))
        config = config_of(Path(folder), target_file_bytes=1 << 16)
        held: dict[Any, dict[str, Any]] = {}
        for number, commits in enumerate(jobs):
            batches = [[batch_of(change) for change in commit] for commit in commits]
            receipts = write_rows(destination, config, batches, DEDUP, write_id=f"write-{number}")
            destination.complete(config, f"write-{number}", receipts, [DEDUP])
            for commit in commits:
                applied(held, commit)
            expected = [(*key, *(row[name] for name in COLUMNS)) for key, row in held.items()]
            assert seen(config) == sorted(expected, key=repr)


KEY_SAMPLES: Mapping[str, Any] = {
    "integers": pa.array([1, -1, 2**63 - 1, None], pa.int64()),
    "texts": pa.array(["a", "", "A", "ä", None]),
    "floats": pa.array([0.0, -0.0, math.nan, math.inf, None]),
    "decimals": pa.array([Decimal("1.10"), Decimal("-1.10"), None], pa.decimal128(10, 2)),
    "moments": pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "whole seconds": pa.array([0, 1, None], pa.timestamp("s", "UTC")),
    "times in whole seconds": pa.array([0, 1, None], pa.time32("s")),
    "views": pa.array(["a", "", None], pa.string_view()),
    "dates": pa.array([datetime(2024, 1, 1, tzinfo=UTC).date(), None]),
    "bytes": pa.array([b"", b"\x00", b"\xff", None]),
    "truth values": pa.array([True, False, None]),
    "lists": pa.array([[1], [1, None], [], None], pa.list_(pa.int8())),
    "dictionaries": pa.array(["a", "b", None]).dictionary_encode(),
    "durations": pa.array([timedelta(1), timedelta(2), None], pa.duration("us")),
}


@pytest.mark.parametrize("name", KEY_SAMPLES)
def test_key_of_any_type_finds_its_row_again(tmp_path: Path, name: str) -> None:
    """A key that does not equal itself would gather a row with each job; one that equals another loses rows."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP, key=("k",))
    keys = KEY_SAMPLES[name]
    for job in range(3):
        batch = pa.record_batch({"k": keys, "job": [job] * len(keys)})
        with running_destination() as destination:
            destination.prepare(config, f"write-{job}", [stream], [batch.schema])
        publish_rows(config, batch, stream=stream, write_id=f"write-{job}")
    found = table(config)
    assert (found.num_rows, set(found.column("job").to_pylist())) == (len(keys), {2})


def test_rows_that_were_appended_before_are_merged_too(tmp_path: Path) -> None:
    """A user who turns from append to dedup wants the doubles gone, those from before included."""
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 3), write_id="write-1")
    publish_rows(config, rows(2, 4), write_id="write-2")
    assert len(shown(config)) == 6
    publish_rows(config, rows(4, 5), stream=orders(WriteMode.DEDUP), write_id="write-3")
    assert [row[0] for row in shown(config)] == [1, 2, 3, 4, 5]


def test_files_that_hold_none_of_the_keys_are_left_alone(tmp_path: Path) -> None:
    """A job that brings one row must not write a large stream anew."""
    config, stream = config_of(tmp_path, target_file_bytes=1 << 16), orders(WriteMode.DEDUP)
    for number in range(4):
        publish_rows(config, incompressible(10_000 * number), stream=stream, write_id=f"write-{number}")
    before = {path.name: path.stat().st_ino for path in visible(config)}
    assert len(before) >= 4
    publish_rows(config, incompressible(5, count=1), stream=stream, write_id="write-9")
    after = {path.name: path.stat().st_ino for path in visible(config)}
    assert len(before.items() - after.items()) == 1
    found: list[Any] = table(config).column("id").to_pylist()
    assert sorted(found) == [10_000 * n + i for n in range(4) for i in range(2000)]


def incompressible(first: int, count: int = 2000) -> pa.RecordBatch:
    """Rows that take about 100 bytes each in a file."""
    drawn = random.Random(first)
    numbers = range(first, first + count)
    return pa.record_batch({"id": pa.array(numbers, pa.int64()), "body": [drawn.randbytes(100) for _ in numbers]})


def test_small_files_do_not_gather(tmp_path: Path) -> None:
    """A job every five minutes would otherwise leave a hundred thousand files in a year."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP)
    for number in range(12):
        publish_rows(config, rows(10 * number, 10 * number + 4), stream=stream, write_id=f"write-{number}")
    assert len(visible(config)) == 1
    assert len(shown(config)) == 60


def test_new_column_keeps_the_old_rows(tmp_path: Path) -> None:
    """Tables get columns; rows of before read NULL there."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP)
    publish_rows(config, rows(1, 2), stream=stream, write_id="write-1")
    wide = pa.record_batch({"id": pa.array([2, 3], pa.int64()), "name": ["b", "c"], "extra": [True, False]})
    publish_rows(config, wide, stream=stream, write_id="write-2")
    assert table(config).select(["id", "name", "extra"]).sort_by("id").to_pylist() == [
        {"id": 1, "name": "order 1", "extra": None},
        {"id": 2, "name": "b", "extra": True},
        {"id": 3, "name": "c", "extra": False},
    ]


def test_generations_are_kept_apart_when_rows_are_merged(tmp_path: Path) -> None:
    """A refresh that was published in part, and completed by a later job, takes away what it did not bring."""
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 4), stream=orders(WriteMode.DEDUP), write_id="write-1")
    second = orders(WriteMode.DEDUP, generation=2, minimum=2)
    with running_destination() as destination:
        receipts = write_rows(destination, config, [[rows(1, 2)]], second, write_id="write-2")
        destination.complete(config, "write-2", receipts, [])
        assert [row[0] for row in shown(config)] == [1, 2, 3, 4]
        receipts = write_rows(destination, config, [[rows(2, 3)]], second, write_id="write-3")
        destination.complete(config, "write-3", receipts, [second])
    assert [row[0] for row in shown(config)] == [1, 2, 3]


def test_metadata_columns_are_those_of_the_last_change(tmp_path: Path) -> None:
    """They are how a user finds out which job brought a row."""
    config, stream = config_of(tmp_path, metadata_columns=True), orders(WriteMode.DEDUP)
    publish_rows(config, rows(1, 2), stream=stream, write_id="write-1")
    publish_rows(config, rows(2, 3), stream=stream, write_id="write-2")
    found: list[dict[str, Any]] = table(config).to_pylist()
    assert {row["id"]: row["_towpath_job_id"] for row in found} == {1: "write-1", 2: "write-2", 3: "write-2"}


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_text_is_merged_as_exactly_as_parquet(tmp_path: Path, kind: str) -> None:
    """Behind text lies the same as Parquet, so that nothing is ever read back from text."""
    config, stream = config_of(tmp_path, format={"type": kind}), orders(WriteMode.DEDUP)
    money = pa.decimal128(10, 2)
    first = pa.record_batch(
        {"id": pa.array([1, 2, 3]), "amount": pa.array([Decimal("0.10")] * 3, money), "note": ["", None, "x"]}
    )
    second = pa.record_batch({"id": pa.array([2]), "amount": pa.array([Decimal("9.99")], money), "note": ['"\n']})
    publish_rows(config, first, stream=stream, write_id="write-1")
    publish_rows(config, second, stream=stream, write_id="write-2")
    (path,) = visible(config)
    text = path.read_text()
    assert path.suffix == f".{kind}"
    if kind == "jsonl":
        found = sorted((json.loads(line) for line in text.split("\n")[:-1]), key=lambda row: row["id"])
        assert found == [
            {"id": 1, "amount": "0.10", "note": ""},
            {"id": 2, "amount": "9.99", "note": '"\n'},
            {"id": 3, "amount": "0.10", "note": "x"},
        ]
    else:
        assert text == '"id","amount","note"\n1,0.10,""\n3,0.10,"x"\n2,9.99,"""\n"\n'
    assert list(Path(config["path"]).rglob("*.parquet")) == []


def test_text_that_was_appended_cannot_be_merged_and_says_so_before_data_moves(tmp_path: Path) -> None:
    """Reading text back would guess at types; a refresh gives the stream an exact beginning."""
    config = config_of(tmp_path, format={"type": "csv"})
    publish_rows(config, rows(1, 3))
    with running_destination() as destination:
        with pytest.raises(Conflict, match="refresh the stream"):
            destination.prepare(config, "write-2", [orders(WriteMode.DEDUP)], [rows(1, 1).schema])
        refresh = orders(WriteMode.DEDUP, generation=2, minimum=2)
        assert destination.prepare(config, "write-2", [refresh], [rows(1, 1).schema]) == []
    publish_rows(config, rows(3, 4), stream=refresh, write_id="write-2")
    (path,) = visible(config)
    assert path.read_text() == '"id","name"\n3,"order 3"\n4,"order 4"\n'


def test_key_whose_type_changed_is_refused(tmp_path: Path) -> None:
    """1.50 and 1.5 are one key, and two texts: merging would double every row in silence."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP)
    publish_rows(config, pa.record_batch({"id": pa.array([Decimal("1.50")])}), stream=stream, write_id="write-1")
    with running_destination() as destination:
        later = pa.record_batch({"id": pa.array([Decimal("1.5")])})
        with pytest.raises(Conflict, match=r"key's column id of public\.orders has another type"):
            destination.prepare(config, "write-2", [stream], [later.schema])
        receipts = write_rows(destination, config, [[later]], stream, write_id="write-2")
        with pytest.raises(Conflict, match=r"key's column id of public\.orders has another type"):
            destination.complete(config, "write-2", receipts, [stream])
    assert shown(config) == [(Decimal("1.50"),)]


def test_key_of_integers_may_become_wider(tmp_path: Path) -> None:
    """Tables outgrow their serial columns; the values stay the same."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP)
    publish_rows(config, pa.record_batch({"id": pa.array([1, 2], pa.int32())}), stream=stream, write_id="write-1")
    publish_rows(config, pa.record_batch({"id": pa.array([2, 3], pa.int64())}), stream=stream, write_id="write-2")
    assert shown(config) == [(1,), (2,), (3,)]


@pytest.mark.parametrize("key", [(), ("missing",)])
def test_stream_without_its_key_is_refused_before_data_moves(tmp_path: Path, key: Sequence[str]) -> None:
    """Without a key all rows would be one."""
    with running_destination() as destination, pytest.raises(Misconfigured) as failure:
        destination.prepare(config_of(tmp_path), "write-1", [orders(WriteMode.DEDUP, key=key)], [rows(1, 1).schema])
    assert failure.value.reason == "NO_PRIMARY_KEY"


@pytest.mark.parametrize("op", [0, 5, None])
def test_operation_that_nobody_knows_stops_the_stream(tmp_path: Path, op: int | None) -> None:
    """Guessing could delete rows, or bring deleted ones back."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP)
    batch = pa.record_batch({"_towpath_op": pa.array([op], pa.uint8()), "id": [1]})
    with running_destination() as destination, destination.write(config, [stream]) as write:
        write.write(batch)
        with pytest.raises(BadRecord, match=r"public\.orders has a row whose _towpath_op"):
            write.receive()


def test_rows_of_a_change_stream_that_is_appended_keep_their_operations(tmp_path: Path) -> None:
    """Appended, a change stream is a history: without the operation a delete would look like a row."""
    config = config_of(tmp_path)
    batch = pa.record_batch({"_towpath_op": pa.array([1, 3], pa.uint8()), "id": [7, 7]})
    publish_rows(config, batch)
    assert shown(config) == [(1, 7), (3, 7)]


def test_merge_that_fails_leaves_the_stream_as_it_was_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle of a merge must cost nothing but time."""
    config, stream = config_of(tmp_path), orders(WriteMode.DEDUP)
    publish_rows(config, rows(1, 3), stream=stream, write_id="write-1")
    with running_destination() as destination:
        receipts = write_rows(destination, config, [[rows(2, 5)]], stream, write_id="write-2")
    with monkeypatch.context() as patch:

        def full(_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr("towpath_destination_local.files.os.fsync", full)
        with pytest.raises(Misconfigured, match="the disk is full"):
            publish.complete(LocalConfig(**config), "write-2", receipts, [stream])
    assert [row[0] for row in shown(config)] == [1, 2, 3]
    publish.complete(LocalConfig(**config), "write-2", receipts, [stream])
    assert [row[0] for row in shown(config)] == [1, 2, 3, 4, 5]
    assert len(visible(config, ORDERS)) == 1
