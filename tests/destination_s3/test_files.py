"""Which rows share a file: files that are full, schemas that change, partitions, hostile names, prefixes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from destination_s3_steps import (
    all_keys,
    config_of,
    content,
    download,
    failure_of_writing,
    ids,
    objects,
    orders,
    publish_rows,
    running_destination,
    table,
    unfinished,
)
from file_steps import encoded, form_of, rows
from file_values import SAMPLES
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import Misconfigured, StreamName

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MIB = 1 << 20


def bulky(first: int, last: int, seed: int = 0) -> pa.RecordBatch:
    """Rows of a kilobyte that does not compress."""
    drawn = random.Random(seed)
    numbers = range(first, last + 1)
    return pa.record_batch({"id": pa.array(numbers, pa.int64()), "body": [drawn.randbytes(512).hex() for _ in numbers]})


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_new_file_begins_when_one_is_full(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, tmp_path: Path, kind: str
) -> None:
    """Readers work in parallel on files, and choke on one of a terabyte."""
    form = {"type": kind, "compression": "none", **({"row_group_bytes": 1 << 16} if kind == "parquet" else {})}
    batches = [bulky(first, first + 255) for first in range(0, 5120, 256)]  # a quarter of a MiB each
    publish_rows(config_of(s3, s3_bucket, format=form, target_file_bytes=MIB), *batches)
    sizes = [len(content(s3_client, s3_bucket, key)) for key in objects(s3_client, s3_bucket)]
    assert len(sizes) == 5
    assert all(MIB <= size <= 1.5 * MIB for size in sizes[:-1])
    download(s3_client, s3_bucket, tmp_path)
    reader = {"parquet": "read_parquet", "jsonl": "read_json", "csv": "read_csv"}[kind]
    count = f"select count(distinct id), count(*), sum(id)::bigint from {reader}('{tmp_path}/**/*.{kind}')"
    assert duckdb.sql(count).fetchall() == [(5120, 5120, sum(range(5120)))]


def test_file_larger_than_a_part_comes_back_whole(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A file of several parts is put together in their order."""
    batches = [bulky(first, first + 4095, seed=first) for first in range(0, 20_480, 4096)]  # 4 MiB each, parts are of 8
    publish_rows(config_of(s3, s3_bucket, format={"type": "parquet", "compression": "none"}), *batches)
    assert len(objects(s3_client, s3_bucket)) == 1
    assert table(s3_client, s3_bucket).equals(pa.Table.from_batches(batches))


def test_commits_end_files(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """What a commit makes durable is whole files: nothing of them waits for the next commit."""
    config = config_of(s3, s3_bucket)
    with running_destination() as destination, destination.write(config, [orders()]) as write:
        write.write(rows(1, 2))
        first = write.commit()
        assert write.commit().rows == {}
        write.write(rows(3, 3))
        last = write.commit()
        write.finish()
        destination.complete(config, "write-1", [first.receipt, last.receipt])
    names = [key.rsplit("-", 2)[1:] for key in objects(s3_client, s3_bucket)]
    assert names == [["000001", "00001.parquet"], ["000003", "00001.parquet"]]


def test_new_schema_begins_new_files(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A column that is added, retyped or dropped in mid-write is normal, and each file has one schema."""
    changed = pa.record_batch({"id": pa.array([3, 4], pa.int64()), "name": ["c", "d"], "price": [Decimal("1.5"), None]})
    retyped = pa.record_batch({"id": pa.array([5], pa.int32()), "price": ["cheap"]})
    publish_rows(config_of(s3, s3_bucket), rows(1, 2), changed, changed, rows(6, 6), retyped)
    keys = objects(s3_client, s3_bucket)
    tables = [table(s3_client, s3_bucket, [key]) for key in keys]
    expected = [[rows(1, 2)], [changed, changed], [rows(6, 6)], [retyped]]
    assert tables == [pa.Table.from_batches(batches) for batches in expected]


def test_new_schema_begins_new_text_files(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A CSV file has one header."""
    changed = pa.record_batch({"id": [3], "more": ["x"]})
    publish_rows(config_of(s3, s3_bucket, format={"type": "csv"}), rows(1, 1), changed)
    texts = [content(s3_client, s3_bucket, key).decode() for key in objects(s3_client, s3_bucket)]
    assert texts == ['"id","name"\n1,"order 1"\n', '"id","more"\n3,"x"\n']


def test_dictionaries_may_change_from_batch_to_batch(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """An enum's values are known only as they come."""
    batches = [
        pa.record_batch([pa.array(texts).dictionary_encode()], names=["state"])
        for texts in (["new", "paid", None], ["sent"], ["paid", "new"])
    ]
    publish_rows(config_of(s3, s3_bucket), *batches)
    states: list[Any] = table(s3_client, s3_bucket).column("state").to_pylist()
    assert states == ["new", "paid", None, "sent", "paid", "new"]


LONG = "x" * 700
HOSTILE = [
    StreamName("", "plain"),
    StreamName("a/b", "c"),
    StreamName("a", "b/c"),
    StreamName("..", "."),
    StreamName("", "_towpath"),
    StreamName("", ".hidden"),
    StreamName("100%", "%2F"),
    StreamName("", "back\\slash"),
    StreamName("", "tab\tand\nline"),
    StreamName("", " spaces  "),
    StreamName("", "plus+and&and=and?and#"),
    StreamName("", "naïve 🙂"),
    StreamName("", "quo\"te and 'te"),
    StreamName("", "Plain"),
    StreamName("<xml>", "&amp;]]>"),
    StreamName("", LONG),
]


def test_streams_of_hostile_names_are_kept_apart(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """Whatever a table is called: its rows arrive, and replacing them replaces no other table's."""
    config = config_of(s3, s3_bucket)
    for generation in (1, 2):
        streams = [orders(generation=generation, minimum=generation, name=name) for name in HOSTILE]
        with running_destination() as destination:
            with destination.write(config, streams, write_id=f"job-{generation}") as write:
                for index in range(len(streams)):
                    write.write(rows(100 * index + generation, 100 * index + generation), stream=index)
                receipt = write.commit().receipt
                write.finish()
            destination.complete(config, f"job-{generation}", [receipt], streams)
    assert ids(s3_client, s3_bucket) == [100 * index + 2 for index in range(len(HOSTILE))]
    assert unfinished(s3_client, s3_bucket) == []


def test_path_that_is_too_long_is_refused_with_its_field(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """PostgreSQL's names are short; other sources' are not."""
    long = orders(name=StreamName("🙂" * 60, "🙂" * 30))
    with running_destination() as destination, destination.write(config_of(s3, s3_bucket), [long]) as write:
        write.write(rows(1, 1))
        with pytest.raises(Misconfigured) as failure:
            write.commit()
    assert list(failure.value.fields) == ["path_template"]
    assert unfinished(s3_client, s3_bucket) == []


@pytest.mark.parametrize(("prefix", "folder"), [("", ""), ("a/b", "a/b/"), ("/a/", "a/"), ("a b+ü", "a b+ü/")])
def test_everything_lies_below_the_prefix(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, prefix: str, folder: str
) -> None:
    """A policy may allow no other folder."""
    publish_rows(config_of(s3, s3_bucket, prefix=prefix), rows(1, 1))
    keys = all_keys(s3_client, s3_bucket)
    assert len(keys) == 2
    assert all(key.startswith((f"{folder}public/orders/", f"{folder}_towpath/manifests/")) for key in keys)


def partitioned(s3: EmbeddedS3, bucket: str, *batches: pa.RecordBatch, column: str, **changes: object) -> None:
    publish_rows(config_of(s3, bucket, partition_by=column, **changes), *batches)


def folders(client: S3Client, bucket: str) -> list[str]:
    return sorted({key.split("/")[-2] for key in objects(client, bucket)})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["EU", None, "", "a/b", "EU"], ["at=", "at=EU", "at=__HIVE_DEFAULT_PARTITION__", "at=a%2Fb"]),
        ([1, -5, None, 1, 2**62], ["at=-5", "at=1", f"at={2**62}", "at=__HIVE_DEFAULT_PARTITION__"]),
        (
            [date(2024, 2, 9), date(1, 1, 1), None] * 2,
            ["at=0001-01-01", "at=2024-02-09", "at=__HIVE_DEFAULT_PARTITION__"],
        ),
        ([Decimal("1.50"), Decimal("1.51"), None], ["at=1.50", "at=1.51", "at=__HIVE_DEFAULT_PARTITION__"]),
        ([True, False, None], ["at=__HIVE_DEFAULT_PARTITION__", "at=false", "at=true"]),
    ],
    ids=["text", "number", "date", "decimal", "truth value"],
)
def test_rows_lie_in_the_folder_of_their_value(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, values: Sequence[Any], expected: list[str]
) -> None:
    """A reader that skips folders must not miss a row; the column stays in the files as well."""
    batch = pa.record_batch([pa.array(range(len(values))), pa.array(values)], names=["id", "at"])
    partitioned(s3, s3_bucket, batch, column="at")
    assert folders(s3_client, s3_bucket) == sorted(expected)
    for key in objects(s3_client, s3_bucket):
        assert len(set(table(s3_client, s3_bucket, [key]).column("at").to_pylist())) == 1
    assert table(s3_client, s3_bucket).sort_by("id").equals(pa.Table.from_batches([batch]))


def test_duckdb_reads_the_partitions_that_were_written(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, tmp_path: Path
) -> None:
    """The folders' escapes are Hive's, which readers undo."""
    batch = pa.record_batch({"id": [1, 2, 3], "city": ["São Paulo", "a/b=c%", "x y"]})
    partitioned(s3, s3_bucket, batch, column="city", format={"type": "jsonl"})
    download(s3_client, s3_bucket, tmp_path)
    files = f"read_json('{tmp_path}/**/*.jsonl', hive_partitioning = true, columns = {{id: 'int'}})"
    found = duckdb.sql(f"select id, city from {files} order by id").fetchall()
    assert found == [(1, "São Paulo"), (2, "a/b=c%"), (3, "x y")]


def test_more_values_than_files_may_be_open_lose_no_row(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """At most 64 files are open at a time: a value that comes again begins another file."""
    batches = [
        pa.record_batch({"id": range(200 * round_, 200 * round_ + 200), "at": [number % 100 for number in range(200)]})
        for round_ in range(2)
    ]
    partitioned(s3, s3_bucket, *batches, column="at")
    assert len(folders(s3_client, s3_bucket)) == 100
    assert ids(s3_client, s3_bucket) == list(range(400))
    for key in objects(s3_client, s3_bucket):
        (value,) = set(table(s3_client, s3_bucket, [key]).column("at").to_pylist())
        assert f"/at={value}/" in key


def csv_of(rows_: pa.Table) -> bytes:
    """Text for comparisons: NaN equals NaN, and dates may lie beyond what Python knows."""
    return encoded(form_of("csv"), rows_.combine_chunks().to_batches())


def test_values_of_every_type_survive_being_partitioned(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """Sorting rows into partitions moves every other column as well."""
    longest = max(len(sample.values) for sample in SAMPLES)
    columns = [pa.concat_arrays([sample.values] * (longest + 1)).slice(1, longest) for sample in SAMPLES]
    names = [sample.name for sample in SAMPLES]
    batch: Any = pa.RecordBatch.from_arrays(
        [*columns, pa.array([number % 3 for number in range(longest)])], names=[*names, "at"]
    )
    publish_rows(config_of(s3, s3_bucket), batch)
    partitioned(s3, s3_bucket, batch, column="at", prefix="parts")
    whole, parts = ([key for key in objects(s3_client, s3_bucket) if key.startswith(p)] for p in ("lake/", "parts/"))
    for value, key in enumerate(sorted(parts)):
        (expected,) = [table(s3_client, s3_bucket, whole)]
        picked = expected.take([number for number in range(longest) if number % 3 == value])
        assert csv_of(table(s3_client, s3_bucket, [key])) == csv_of(picked)


def test_stream_without_the_column_has_no_partition(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """One destination serves many tables."""
    partitioned(s3, s3_bucket, rows(1, 2), column="region")
    (key,) = objects(s3_client, s3_bucket)
    assert key.startswith("lake/public/orders/w")


@pytest.mark.parametrize(
    "type_",
    [
        pa.list_(pa.int8()),
        pa.struct([("a", pa.int8())]),
        pa.binary(),
        pa.binary(2),
        pa.large_binary(),
        pa.json_(pa.string()),
    ],
    ids=str,
)
def test_column_unsuitable_for_partitions_is_refused_before_data_moves(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, type_: Any
) -> None:
    """Each of its values would be a folder of its own."""
    schema = pa.schema([("id", pa.int64()), ("at", type_)])
    config = config_of(s3, s3_bucket, partition_by="at")
    with running_destination() as destination, pytest.raises(Misconfigured, match="partition_by names at") as failure:
        destination.prepare(config, "job-1", [orders()], [schema])
    assert (failure.value.reason, list(failure.value.fields)) == ("UNSUITABLE_PARTITION", ["partition_by"])
    column = pa.array([None], type_)
    batch: Any = pa.RecordBatch.from_arrays([pa.array([1]), column], schema=schema)
    assert failure_of_writing(config, batch).reason == "UNSUITABLE_PARTITION"
    assert unfinished(s3_client, s3_bucket) == []


def test_streams_of_one_name_share_a_folder_but_no_file(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A template without {namespace} mixes folders on request; replacing one table must spare the other."""
    config = config_of(s3, s3_bucket, path_template="{stream}/{write}-{commit}-{part}.{extension}")
    for generation, numbers in ((1, (1, 11)), (2, (2, None))):
        for namespace, number in zip(("a", "b"), numbers, strict=True):
            if number is not None:
                stream = orders(generation=generation, minimum=generation, name=StreamName(namespace, "orders"))
                publish_rows(config, rows(number, number), stream=stream, write_id=f"{namespace}-{generation}")
    assert ids(s3_client, s3_bucket) == [2, 11]
