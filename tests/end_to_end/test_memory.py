"""A table of 5 GB: what any process keeps in memory must not depend on how large a table is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from end_to_end_memory import MemoryPeaks
from end_to_end_pipe import Pipe, fresh_pipe, stream
from stack import FAST, Stack
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.s3 import EmbeddedS3

ROWS = 620_000
LEAST_BYTES = 5_000_000_000
MOST_RSS_BYTES = 400_000_000
ROW = "n || repeat('a', 2600), n || repeat('b', 2600), n || repeat('c', 2600), md5(n::text)"
"""The columns behind the number `n`, in SQL that PostgreSQL and DuckDB both know. A row fills a page: that costs the
least time for each byte; and what is repeated is made once, while padding goes letter by letter."""


def fill(pipe: Pipe) -> None:
    """Make the table; its values follow from the number, so that a reader can judge each without asking back."""
    # Made and filled at once, since then its file grows by many pages at a time; and with a target of a page a row, or
    # PostgreSQL would compress it, and the table would be small.
    options = "autovacuum_enabled = off, toast_tuple_target = 8160"
    columns = "large (n, a, b, c, d)"
    pipe.sql(
        f"CREATE UNLOGGED TABLE {columns} WITH ({options}) AS SELECT n, {ROW} FROM generate_series(1::bigint, {ROWS}) n"
    )


@pytest.fixture
def fresh_stack(tmp_path: Path, stack_folder: Path) -> Iterator[Stack]:
    """A Towpath of its own, because the marks of a shared one may be those of other tests."""
    with Stack(tmp_path / "data", FAST, stack_folder) as running:
        yield running


@pytest.mark.timeout(600)  # on a busy machine the table alone takes minutes
def test_five_gigabytes_pass_through_less_than_400_megabytes(
    fresh_stack: Stack, postgres: EmbeddedPostgres, s3: EmbeddedS3, tmp_path: Path
) -> None:
    """Whoever has small machines must be able to move large tables; and every value has to be right, as ever."""
    with fresh_pipe(fresh_stack, postgres, s3) as pipe:
        fill(pipe)
        ((size,),) = pipe.sql("SELECT pg_table_size('large')")
        assert size >= LEAST_BYTES
        connection = pipe.connect(stream("large"))
        with MemoryPeaks(fresh_stack) as memory:
            job = pipe.succeed(connection, seconds=240)
        assert job.total.rows_committed == ROWS
        assert set(memory.peaks) == {"server", "worker", "source", "destination", "up"}
        assert {role: peak for role, peak in memory.peaks.items() if peak > MOST_RSS_BYTES} == {}
        assert wrong_rows(pipe, tmp_path) == (ROWS, ROWS, 1, ROWS, 0)


def wrong_rows(pipe: Pipe, folder: Path) -> tuple[int, ...]:
    """Rows, distinct numbers, the least, the greatest, and how many rows have another value than their number says."""
    for index, key in enumerate(pipe.keys("large")):
        pipe.client.download_file(pipe.bucket, key, str(folder / f"{index}.parquet"))
    found = duckdb.sql(
        "SELECT count(*), count(DISTINCT n), min(n), max(n),"
        f" count(*) FILTER (WHERE row(a, b, c, d) IS DISTINCT FROM row({ROW}))"
        f" FROM read_parquet('{folder}/*.parquet')"
    ).fetchone()
    assert found is not None
    return found
