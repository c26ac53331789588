"""Reads a bucket of destination-s3 back, for a case file: with boto3 and pyarrow alone, nothing of the connector's."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import boto3
import pyarrow as pa
from botocore.config import Config
from pyarrow import parquet

__all__ = ["METADATA", "read_back"]

METADATA = ["_towpath_extracted_at", "_towpath_generation_id", "_towpath_job_id"]
_SAFE = " !$&'()*+,-.:;@_"
"""Characters that names keep in a key."""


def read_back(config: Mapping[str, Any], namespace: str, stream: str) -> pa.Table:
    """All Parquet objects of a stream, as a reader sees them who lists the folder."""
    client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "s3",
        endpoint_url=config["endpoint"],
        region_name=config["region"],
        aws_access_key_id=config["access_key_id"],
        aws_secret_access_key=config["secret_access_key"],
        config=Config(s3={"addressing_style": "path"}),
    )
    folder = "/".join([config["prefix"], quote(namespace, safe=_SAFE), quote(stream, safe=_SAFE), ""])
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=config["bucket"], Prefix=folder)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    bodies = [client.get_object(Bucket=config["bucket"], Key=key)["Body"].read() for key in keys]
    read = cast("Any", parquet).ParquetFile
    tables = [read(io.BytesIO(body)).read() for body in bodies]
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
