"""The in-process ideal: one process, binary COPY to Arrow to Parquet to S3, its stages overlapping; no protocol.

It decodes and encodes with the connectors' own parts, so that what the runtime takes beyond it is the price of the
protocol, the broker, the commits and the orchestration, and nothing else. It reads in one statement, without
checkpoints: after a failure everything would begin anew.

Concurrency: one thread copies and decodes, the main thread encodes, a pool uploads; the queue between them is bounded.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any

import pyarrow as pa
from towpath_destination_s3.config import S3Config
from towpath_destination_s3.multipart import MultipartFile
from towpath_destination_s3.store import Store
from towpath_sdk import StreamName
from towpath_sdk.files import encoder_for
from towpath_source_postgres.catalog import find_relation
from towpath_source_postgres.columns import Delivery
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.copying import copy_rows
from towpath_source_postgres.keepers import Keeper
from towpath_source_postgres.ranges import TRUE
from towpath_source_postgres.sessions import open_data_session, open_session

__all__ = ["copy_table"]

_WAITING_BATCHES = 8


class _Uninterrupted:
    """A context that nobody cancels."""

    def __init__(self) -> None:
        self.cancelled = False
        self.draining = False
        self.batch_bytes = 4 << 20
        self.attempt = 1

    def on_cancel(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """Return a context without effect."""
        del interrupt
        return nullcontext()

    def log(self, level: str, event: str, **attributes: object) -> None:
        """Write to standard error."""
        print(level, event, attributes, file=sys.stderr)

    def wait(self, seconds: float) -> None:
        """Sleep."""
        threading.Event().wait(seconds)


def copy_table(source: PostgresConfig, table: StreamName, destination: S3Config) -> int:
    """Copy one table into Parquet objects below the prefix; return the rows. Raises what a stage raises."""
    batches: queue.Queue[pa.RecordBatch | BaseException | None] = queue.Queue(_WAITING_BATCHES)
    threading.Thread(target=_read, args=(source, table, batches), daemon=True).start()
    store = Store(destination)
    rows, part = 0, 0
    ended = False
    while not ended:
        part += 1
        key = store.below(table.name, f"{part:05d}.parquet")
        sink = MultipartFile(store, lambda key=key: store.begin(key, uuid.uuid4().hex))
        encoder: Any = None
        while sink.tell() < destination.target_file_bytes:
            batch = batches.get()
            if isinstance(batch, BaseException):
                raise batch
            if batch is None:
                ended = True
                break
            encoder = encoder or encoder_for(destination.format, batch.schema, sink)
            encoder.write(batch)
            rows += batch.num_rows
        if encoder is not None:
            encoder.close()
            sink.seal()
            done = sink.uploaded()
            store.publish(done.upload, done.parts)
    return rows


def _read(
    source: PostgresConfig, table: StreamName, batches: queue.Queue[pa.RecordBatch | BaseException | None]
) -> None:
    context = _Uninterrupted()
    try:
        with open_session(source) as connection:
            relation = find_relation(connection, source, table)
        delivery = Delivery(str(table), relation.columns)
        keeper = Keeper.open(source, relation, context)
        with closing(keeper), open_data_session(source, keeper.snapshot, keeper.server_version) as session:
            for batch in copy_rows(session, relation, TRUE, delivery, context):
                batches.put(batch)
        batches.put(None)
    except BaseException as error:  # noqa: BLE001 whatever it is, the main thread raises it
        batches.put(error)


def main() -> None:
    """Read what to do as JSON from standard input; write the number of rows to standard output."""
    job = json.load(sys.stdin)
    rows = copy_table(
        PostgresConfig.model_validate(job["source"]),
        StreamName(*job["table"]),
        S3Config.model_validate(job["destination"]),
    )
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
