"""Steps for tests of the S3 destination: configurations, and independent readers of what it wrote."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from towpath_destination_s3.destination import S3Destination
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import StreamName, TowpathError, WriteMode, WriteStream
from towpath_sdk.testing import ConnectorUnderTest, connector_under_test

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ORDERS = StreamName("public", "orders")


def running_destination() -> AbstractContextManager[ConnectorUnderTest]:
    """The destination on a real socket."""
    return connector_under_test(S3Destination())


def config_of(s3: EmbeddedS3, bucket: str, **changes: object) -> dict[str, Any]:
    """A configuration for the test's bucket, without metadata columns unless asked for."""
    return {
        "bucket": bucket,
        "prefix": "lake",
        "endpoint": s3.endpoint,
        "region": s3.region,
        "path_style": True,
        "access_key_id": s3.access_key,
        "secret_access_key": s3.secret_key,
        "metadata_columns": False,
        **changes,
    }


def orders(
    mode: WriteMode = WriteMode.APPEND, *, generation: int = 1, minimum: int = 0, name: StreamName = ORDERS
) -> WriteStream:
    """The stream that most tests write."""
    return WriteStream(name, mode, generation_id=generation, minimum_generation_id=minimum)


def publish_rows(
    config: Mapping[str, Any], *batches: pa.RecordBatch, stream: WriteStream | None = None, write_id: str = "job-1"
) -> bytes:
    """Write, commit and complete one stream; return the receipt."""
    streams = [stream or orders()]
    with running_destination() as destination:
        with destination.write(config, streams, write_id=write_id) as write:
            for batch in batches:
                write.write(batch)
            receipt = write.commit().receipt
            write.finish()
        destination.complete(config, write_id, [receipt], streams)
    return receipt


def failure_of_writing(config: Mapping[str, Any], batch: pa.RecordBatch) -> TowpathError:
    """Write what the destination refuses, and return how it did. Nothing else is sent that could cross its answer."""
    with running_destination() as destination, destination.write(config, [orders()]) as write:
        write.write(batch)
        with pytest.raises(TowpathError) as failure:
            write.receive()
    return failure.value


def objects(client: S3Client, bucket: str) -> list[str]:
    """Keys of the visible data objects."""
    return [key for key in all_keys(client, bucket) if "/_towpath/" not in key]


def all_keys(client: S3Client, bucket: str, prefix: str = "") -> list[str]:
    """Keys of all visible objects, Towpath's own included."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item.get("Key", "") for page in pages for item in page.get("Contents", [])]


def unfinished(client: S3Client, bucket: str) -> list[str]:
    """Keys of unfinished multipart uploads."""
    return [upload.get("Key", "") for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def content(client: S3Client, bucket: str, key: str) -> bytes:
    """The bytes of an object, decompressed as its name says."""
    body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    if key.endswith(".gz"):
        return gzip.decompress(body)
    if key.endswith(".zst"):
        return pa.CompressedInputStream(pa.BufferReader(body), "zstd").read()
    return body


def download(client: S3Client, bucket: str, folder: Path) -> None:
    """Write every visible data object to a file below `folder`, at its key."""
    for key in objects(client, bucket):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def table(client: S3Client, bucket: str, keys: list[str] | None = None) -> pa.Table:
    """All Parquet objects as one table, in the order of their keys."""
    names = objects(client, bucket) if keys is None else keys
    return pa.concat_tables([pq.read_table(io.BytesIO(content(client, bucket, key))) for key in names])


def ids(client: S3Client, bucket: str, keys: list[str] | None = None) -> list[int]:
    """The ids of all visible rows, or of those in some objects, sorted; doubles show."""
    if not (objects(client, bucket) if keys is None else keys):
        return []
    found: list[Any] = table(client, bucket, keys).column("id").to_pylist()
    return sorted(found)


def json_lines(client: S3Client, bucket: str) -> Iterator[Mapping[str, Any]]:
    """Every visible line as an object."""
    for key in objects(client, bucket):
        for line in content(client, bucket, key).decode().split("\n")[:-1]:  # splitlines() knows more ends than LF
            yield json.loads(line)
