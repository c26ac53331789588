"""What most tests of the server begin with, put into the database as rows instead of being made by calls again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from server_bench import open_bench
from server_database import transaction
from server_steps import create_ends
from sqlalchemy import Table, insert, select
from towpath.control.v1 import sources_pb2
from towpath_local.embedded.temporal import EmbeddedTemporal
from towpath_server.database import tables

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_KEPT = (tables.connectors, tables.sources, tables.destinations, tables.catalogs)

with_registered = pytest.mark.usefixtures("registered")
with_ends = pytest.mark.usefixtures("ends")


@pytest.fixture(scope="session")
def stored_ends(temporal: EmbeddedTemporal, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What is stored once a server has created both ends and discovered the source."""
    copy = shutil.copy(migrated_file, tmp_path_factory.mktemp("ends") / "metadata.db")
    url = f"sqlite:///{copy}"

    async def run() -> None:
        async with open_bench(url, temporal) as bench:
            api = await bench.start()
            await bench.start_worker(api)
            await create_ends(api)
            async for _ in api.sources.DiscoverSource(sources_pb2.DiscoverSourceRequest(name="sources/shop")):
                pass

    with ThreadPoolExecutor(1) as pool:  # a test's event loop may be running in this thread
        pool.submit(asyncio.run, run()).result()
    with transaction(url) as connection:
        return {table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in _KEPT}


@pytest.fixture
def registered(metadata_url: str, stored_ends: Rows) -> None:
    """The connectors `pg` and `s3`, as `register` leaves them, without its connector tasks."""
    _store(metadata_url, stored_ends, tables.connectors)


@pytest.fixture
def ends(registered: None, metadata_url: str, stored_ends: Rows) -> None:  # rows refer to theirs
    """The source `shop`, discovered, and the destination `lake`, as `create_ends` leaves them."""
    _store(metadata_url, stored_ends, tables.sources, tables.destinations, tables.catalogs)


def _store(url: str, rows: Rows, *kept: Table) -> None:
    with transaction(url) as connection:
        for table in kept:
            connection.execute(insert(table), rows[table.name])
