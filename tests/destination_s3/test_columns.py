"""What becomes of columns: what users are told before data moves, the columns that are added, names that clash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from destination_s3_steps import (
    all_keys,
    config_of,
    failure_of_writing,
    json_lines,
    orders,
    publish_rows,
    running_destination,
    table,
    unfinished,
)
from file_steps import rows
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import BadRecord, Fit, Misconfigured
from towpath_sdk.files import StoredColumns

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.mark.parametrize(
    "type_",
    [
        pa.dense_union([pa.field("a", pa.int8())]),
        pa.list_view(pa.int8()),
        pa.struct([]),
        pa.list_(pa.struct([])),
        pa.decimal256(76, -1),
    ],
    ids=str,
)
def test_column_that_no_file_can_hold_is_refused_before_data_moves(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, type_: pa.DataType
) -> None:
    """The plan says so; a broker that writes nevertheless gets the same answer, and leaves nothing behind."""
    settings = config_of(s3, s3_bucket)
    schema = pa.schema([("id", pa.int64()), ("strange", type_)])
    with running_destination() as destination:
        (plan,) = destination.prepare(settings, "job-1", [orders()], [schema])
        assert (plan.column, plan.fit) == ("strange", Fit.IMPOSSIBLE)
        with pytest.raises(Misconfigured, match=r'column "strange" of public\.orders') as failure:
            StoredColumns.of("public.orders", schema, metadata_columns=True)
        assert failure.value.reason == "IMPOSSIBLE_COLUMN"
    assert all_keys(s3_client, s3_bucket) == unfinished(s3_client, s3_bucket) == []


def test_stream_without_columns_is_stored_as_its_metadata(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """PostgreSQL allows tables without columns; their rows can still be counted."""
    nothing: Any = pa.array([{}, {}, {}], pa.struct([]))
    batch = pa.RecordBatch.from_struct_array(nothing)
    publish_rows(config_of(s3, s3_bucket, metadata_columns=True), batch)
    assert table(s3_client, s3_bucket).num_rows == 3


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_metadata_columns_say_when_and_by_what_a_row_came(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, kind: str
) -> None:
    """They are how a user finds out which job brought a row."""
    before = datetime.now(UTC)
    settings = config_of(s3, s3_bucket, metadata_columns=True, format={"type": kind})
    publish_rows(settings, rows(1, 2), stream=orders(generation=7), write_id="job-42")
    after = datetime.now(UTC)
    if kind == "parquet":
        read = table(s3_client, s3_bucket)
        assert read.schema.field("_towpath_extracted_at").type == pa.timestamp("us", "UTC")
        assert read.schema.field("_towpath_generation_id").type == pa.int64()
        found: list[Any] = read.to_pylist()
    else:
        found = [dict(line) for line in json_lines(s3_client, s3_bucket)]
        for line in found:
            line["_towpath_extracted_at"] = datetime.fromisoformat(line["_towpath_extracted_at"])
    assert [row["id"] for row in found] == [1, 2]
    assert {(row["_towpath_generation_id"], row["_towpath_job_id"]) for row in found} == {(7, "job-42")}
    assert all(before <= row["_towpath_extracted_at"] <= after for row in found)


def test_batch_with_null_where_the_schema_allows_none_fails(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """Parquet would count such a row wrong; the failure names the stream."""
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False)])
    batch: Any = pa.RecordBatch.from_arrays([pa.array([1, None])], schema=schema)
    with running_destination() as destination, destination.write(config_of(s3, s3_bucket), [orders()]) as write:
        write.write(batch)
        with pytest.raises(BadRecord, match=r"public\.orders"):
            write.commit()  # Parquet looks when the row group is written
    assert unfinished(s3_client, s3_bucket) == []


def test_document_that_is_no_json_is_named_with_stream_and_column(s3: EmbeddedS3, s3_bucket: str) -> None:
    """Among a thousand columns nobody finds it otherwise."""
    column: Any = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["{"]))
    config = config_of(s3, s3_bucket, format={"type": "jsonl"})
    failure = failure_of_writing(config, pa.RecordBatch.from_arrays([column], ["notes"]))
    assert isinstance(failure, BadRecord)
    assert failure.message.startswith('public.orders: column "notes": a document is no JSON')
