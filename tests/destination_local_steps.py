"""Steps for tests of the local destination: configurations, whole writes, and a reader who knows only the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from pyarrow import parquet
from towpath_destination_local.destination import LocalDestination
from towpath_sdk import StreamName, WriteMode, WriteStream
from towpath_sdk.testing import ConnectorUnderTest, connector_under_test

__all__ = [
    "ORDERS",
    "config_of",
    "everything",
    "ids",
    "orders",
    "publish_rows",
    "running_destination",
    "shown",
    "table",
    "visible",
    "write_rows",
]

ORDERS = StreamName("public", "orders")


def running_destination() -> AbstractContextManager[ConnectorUnderTest]:
    """The destination on a real socket."""
    return connector_under_test(LocalDestination())


def config_of(folder: Path, **changes: object) -> dict[str, Any]:
    """A configuration below a folder of the test, without metadata columns unless asked for."""
    return {"path": str(folder / "out"), "metadata_columns": False, **changes}


def orders(
    mode: WriteMode = WriteMode.APPEND,
    *,
    generation: int = 1,
    minimum: int = 0,
    name: StreamName = ORDERS,
    key: Sequence[str] = ("id",),
) -> WriteStream:
    """The stream that most tests write."""
    return WriteStream(name, mode, tuple(key), generation, minimum)


def write_rows(
    destination: Any,
    config: Mapping[str, Any],
    commits: Sequence[Sequence[pa.RecordBatch]],
    stream: WriteStream | None = None,
    *,
    write_id: str = "write-1",
    writer_id: str = "writer-1",
) -> list[bytes]:
    """Write one stream, each item of `commits` being what one commit covers; return the receipts."""
    with destination.write(config, [stream or orders()], write_id=write_id, writer_id=writer_id) as write:
        for batches in commits:
            for batch in batches:
                write.write(batch)
            write.commit()
        write.finish()
        return write.receipts


def publish_rows(
    config: Mapping[str, Any], *batches: pa.RecordBatch, stream: WriteStream | None = None, write_id: str = "write-1"
) -> list[bytes]:
    """Write, commit and complete one stream; return the receipts."""
    with running_destination() as destination:
        receipts = write_rows(destination, config, [batches], stream, write_id=write_id)
        destination.complete(config, write_id, receipts, [stream or orders()])
    return receipts


def visible(config: Mapping[str, Any], name: StreamName = ORDERS, pattern: str = "*") -> list[Path]:
    """Files of a stream, as a reader finds them, in the order of their names."""
    return sorted(Path(config["path"], *filter(None, (name.namespace, name.name))).glob(pattern))


def everything(config: Mapping[str, Any]) -> list[str]:
    """Every file below the folder, Towpath's own included, but for locks, which stay."""
    root = Path(config["path"])
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and "lock" not in path.name)


def table(config: Mapping[str, Any], name: StreamName = ORDERS) -> pa.Table:
    """All rows of a stream that are visible as Parquet, in the order of the files' names."""
    read = cast("Any", parquet).ParquetFile
    tables = [read(path).read() for path in visible(config, name, "*.parquet")]
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def shown(config: Mapping[str, Any], name: StreamName = ORDERS) -> list[tuple[Any, ...]]:
    """The visible rows as tuples, sorted by their text."""
    rows: list[dict[str, Any]] = table(config, name).to_pylist()
    return sorted((tuple(row.values()) for row in rows), key=repr)


def ids(config: Mapping[str, Any], name: StreamName = ORDERS) -> list[int]:
    """The ids of all visible rows, sorted; doubles show."""
    found = table(config, name)
    return sorted(cast("list[int]", found.column("id").to_pylist())) if found.num_rows else []
