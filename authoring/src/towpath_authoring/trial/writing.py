"""A delivery of one file to a destination, as the broker and the platform do it: prepare, write, commit, complete."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from pyarrow import json as arrow_json
from pyarrow import parquet
from towpath_sdk.catalog import StreamName, WriteMode, WriteStream
from towpath_sdk.errors import Misconfigured
from towpath_sdk.testing import ConnectorProcess

from towpath_authoring.trial.showing import Shown

__all__ = ["Writing", "write"]

_ROWS_PER_BATCH = 10_000


@dataclass(frozen=True)
class Writing:
    """What to deliver: a file of JSON Lines, Parquet or Arrow IPC (by its suffix), and to which stream, how."""

    input: Path
    stream: str
    mode: WriteMode
    primary_key: tuple[str, ...]


def write(connector: ConnectorProcess, config: str, writing: Writing, shown: Shown) -> None:
    """Deliver the file in one write with one commit, and publish it."""
    table = _table(writing.input)
    namespace, _, name = writing.stream.rpartition(".")
    stream = WriteStream(StreamName(namespace, name), writing.mode, writing.primary_key)
    write_id = uuid.uuid4().hex
    for plan in connector.prepare(config, write_id, [stream], [table.schema]):
        facts = {"column": plan.column, "stored_name": plan.stored_name, "fit": plan.fit.name, "reason": plan.reason}
        shown.event("plan", f"column {plan.column}: {plan.fit.name} as {plan.stored_name}, {plan.reason}", facts)
    with connector.write(config, [stream], write_id=write_id) as session:
        for batch in table.to_batches(max_chunksize=_ROWS_PER_BATCH):
            session.write(batch, primary_key=writing.primary_key)
        committed = session.commit()
        rows = sum((committed.rows or {}).values())
        text = f"commit 1: {rows:,} rows are durable, receipt of {len(committed.receipt)} bytes"
        shown.event("commit", text, {"rows": rows, "receipt": committed.receipt})
        session.finish()
    for entry in session.logs:
        shown.log(entry)
    connector.complete(config, write_id, session.receipts, [stream])
    shown.event("status", f"{writing.stream}: {rows:,} rows, published", {"stream": writing.stream, "rows": rows})


def _table(file: Path) -> pa.Table:
    try:
        if file.suffix == ".parquet":
            return cast("pa.Table", cast("Any", parquet).read_table(file))
        if file.suffix in (".arrow", ".feather", ".ipc"):
            return pa.ipc.open_file(io.BytesIO(file.read_bytes())).read_all()
        return arrow_json.read_json(io.BytesIO(file.read_bytes()))
    except OSError as error:
        raise Misconfigured(f"cannot read {file}: {error.strerror or error}") from error
    except pa.ArrowException as error:
        raise Misconfigured(f"{file} is neither JSON Lines nor, by its suffix, Parquet or Arrow: {error}") from error
