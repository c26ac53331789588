"""The first rows of a stream, read as a job would read them, and shown as text.

The read is opened without a state and cancelled once there are enough rows; nothing is acknowledged.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError
from towpath.connector.v1 import source_pb2, types_pb2
from towpath.control.v1 import previews_pb2
from towpath_sdk.errors import TowpathError
from towpath_sdk.status import from_status

from towpath_worker.failures import Located, locate
from towpath_worker.transfer.ledger import violation
from towpath_worker.transfer.ports import SourceLink

__all__ = ["first_rows"]

_ANSWER_BYTES = 1024 * 1024
_MOST_VALUE_BYTES = 1024
_LEAST_VALUE_BYTES = 16

_PATIENCE = 3.0
"""Seconds to wait for more rows once there are some: those of a slow source are worth showing too."""

_State = types_pb2.StreamStatus.State


async def first_rows(source: SourceLink, stream: source_pb2.ReadStream, most: int) -> previews_pb2.StreamPreview:
    """Return at most `most` rows of a stream, about 1 MiB of text. Raises Located."""
    read = source.read(stream, attempt=0)
    rows = _Rows(most)
    try:
        while not rows.enough:
            async with asyncio.timeout(_PATIENCE if rows.count else None):
                message = await read.receive()
            if message is None:
                raise violation("the source ended the read without saying that it finished")
            # Decoding may take a while, and jobs share this loop.
            await asyncio.to_thread(rows.take, message)
    except TimeoutError:
        pass
    except Located as failure:
        raise (await source.lost() or failure) from None
    except TowpathError as error:
        raise locate(error, "source") from error
    finally:
        read.cancel()
    return await asyncio.to_thread(_preview, rows)


class _Rows:
    """What has come of one stream so far."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.count = 0
        self.schema = pa.schema([])
        self.batches: list[pa.RecordBatch] = []
        self.complete = False
        self._changed = False
        self._ipc: list[bytes] = []
        """The messages under the newest schema: a dictionary holds for the batches that follow it."""

    @property
    def enough(self) -> bool:
        """Nothing more is needed, or would fit under the same columns."""
        return self.complete or self._changed or self.count >= self.most

    def take(self, message: bytes) -> None:
        """Take one serialized ReadResponse. Raises Bug for what breaks the protocol, and the failure of the stream."""
        try:
            response = source_pb2.ReadResponse.FromString(message)
        except DecodeError as error:
            raise violation("a message is not protobuf") from error
        match response.WhichOneof("message"):
            case "schema":
                self._ipc = [response.schema.ipc_schema]
                schema = self._decoded().schema
                self._changed = bool(self.count) and not schema.equals(self.schema)
                self.schema = self.schema if self._changed else schema
            case "batch":
                self._ipc.append(response.batch.ipc_messages)
                self.batches += self._decoded().to_batches()[-1:]
                self.count = sum(batch.num_rows for batch in self.batches)
            case "status" if response.status.state == _State.STATE_FAILED:
                raise from_status(response.status.failure)
            case "finished":
                self.complete = True
            case _:
                pass

    def _decoded(self) -> pa.Table:
        try:
            table = pa.ipc.open_stream(pa.py_buffer(b"".join(self._ipc))).read_all()
            table.validate(full=True)
        except (pa.ArrowException, OSError, EOFError) as error:
            raise violation(f"what it sends is no Arrow data: {error}") from error
        return table


def _preview(rows: _Rows) -> previews_pb2.StreamPreview:
    table = pa.Table.from_batches(rows.batches, rows.schema).slice(0, rows.most)
    limit = _ANSWER_BYTES // max(1, table.num_rows * table.num_columns)
    limit = max(_LEAST_VALUE_BYTES, min(_MOST_VALUE_BYTES, limit))
    fields: Any = rows.schema
    columns = [_values(table.column(index), limit) for index in range(table.num_columns)]
    return previews_pb2.StreamPreview(
        columns=[previews_pb2.PreviewColumn(name=field.name, type=str(field.type)) for field in fields],
        rows=[previews_pb2.PreviewRow(values=values) for values in zip(*columns, strict=True)],
        complete=rows.complete and rows.count <= rows.most,
    )


def _values(column: Any, limit: int) -> list[previews_pb2.PreviewValue]:
    from towpath_sdk.files import shown_texts  # noqa: PLC0415 - a fifth of a worker's start, for previews alone

    return [_value(text, limit) for chunk in column.chunks for text in shown_texts(chunk)]


def _value(text: str | None, limit: int) -> previews_pb2.PreviewValue:
    if text is None:
        return previews_pb2.PreviewValue()
    whole = text.encode()
    kept = whole[:limit].decode(errors="ignore")
    return previews_pb2.PreviewValue(text=kept, cut_bytes=len(whole) - len(kept.encode()))
