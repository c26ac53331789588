"""Reads what was delivered without any part of Towpath: boto3 fetches the files, DuckDB reads them."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from towpath_local.demo.shop import TABLES
from towpath_local.embedded import EmbeddedS3

__all__ = ["Lake", "open_lake"]

_THREADS = 8


class Lake:
    """The delivered files of every table as views of `sql`, and what they weigh."""

    def __init__(self, sql: duckdb.DuckDBPyConnection, files: int, size: int) -> None:
        self.sql = sql
        self.files = files
        self.size = size


@contextmanager
def open_lake(s3: EmbeddedS3, bucket: str, prefix: str) -> Generator[Lake]:
    """Fetch the bucket's objects below `prefix`, and show them as one view per table, named like it."""
    with TemporaryDirectory(prefix="towpath-demo-") as folder, duckdb.connect() as sql:
        found = _fetch(s3, bucket, prefix, Path(folder))
        sql.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            files = [str(path) for path in found if path.relative_to(folder).parts[:2] == ("shop", table.name)]
            if not files:
                raise FileNotFoundError(f"nothing was delivered for {table.stream} to {bucket}/{prefix}")
            sql.read_parquet(files, union_by_name=True).create_view(table.name)
        yield Lake(sql, len(found), sum(path.stat().st_size for path in found))


def _fetch(s3: EmbeddedS3, bucket: str, prefix: str, folder: Path) -> list[Path]:
    client = s3.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    keys = [
        entry.get("Key", "")
        for page in pages
        for entry in page.get("Contents", [])
        if entry.get("Key", "").endswith(".parquet")
    ]

    def fetch(key: str) -> Path:
        path = folder / key.removeprefix(f"{prefix}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(path))
        return path

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(fetch, keys))
