"""The author's thread of one Read: runs the generators of its streams in turn, and sends what they yield."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import pyarrow as pa
from towpath.connector.v1 import types_pb2

from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.emission import Emission, StreamEmission
from towpath_sdk._serve.failures import as_failure
from towpath_sdk._wire.rows import RowBuffer
from towpath_sdk._wire.schemas import selected
from towpath_sdk.catalog import ReadMode, ReadStream, Stream, StreamName
from towpath_sdk.config import Config
from towpath_sdk.errors import Bug, Misconfigured, NotFound, PositionLost
from towpath_sdk.source import Checkpoint, Source

__all__ = ["read_streams"]

_Status = types_pb2.StreamStatus
_YIELDABLE = "pyarrow.RecordBatch, pyarrow.Table, mappings, Stream and Checkpoint"


def read_streams(
    source: Source[Any],
    config: Config,
    streams: Sequence[ReadStream],
    lost: Mapping[int, PositionLost],
    context: CallContext,
    emission: Emission,
    remember: Callable[[int, int, Checkpoint | None, int], None],
) -> None:
    """Read every stream, each to its terminal status, then finish.

    Those that are `lost`, by index, fail without being asked for. `remember` is told stream index, number and bytes of
    each checkpoint. Raises only when the call was cancelled.
    """
    for index, stream in enumerate(streams):
        if context.drain_requested:
            emission.status(index, _Status.STATE_INCOMPLETE)
            continue
        context.drain_noticed = False
        if index in lost:
            emission.status(index, _Status.STATE_FAILED, lost[index], stream.name)
            continue

        try:
            out = StreamEmission(emission, index, stream.name, partial(remember, index))
            complete = _StreamReading(source, config, stream, context, out, emission.batch_bytes).run()
        except BaseException as error:
            if context.cancelled:
                raise
            failure = as_failure(error, f"reading {stream.name}")
            emission.status(index, _Status.STATE_FAILED, failure, stream.name)
        else:
            emission.status(index, _Status.STATE_COMPLETE if complete else _Status.STATE_INCOMPLETE)
    emission.finish()


class _StreamReading:
    """One stream: gathers rows, selects columns, and knows when a schema has to be looked up."""

    def __init__(
        self,
        source: Source[Any],
        config: Config,
        stream: ReadStream,
        context: CallContext,
        out: StreamEmission,
        batch_bytes: int,
    ) -> None:
        self._source = source
        self._config = config
        self._stream = stream
        self._context = context
        self._out = out
        self._batch_bytes = batch_bytes
        self._declared: Stream | None = None
        self._rows: RowBuffer | None = None
        self._rows_passed = 0

    def run(self) -> bool:
        """Send everything that the author yields; False when a drain ended it early."""
        produced = cast("object", self._source.read(self._config, self._stream, self._context))
        if produced is None:
            raise Bug(f"{type(self._source).__name__}.read returned None: write it as a generator")
        records = cast("Iterator[Any]", iter(cast("Any", produced)))
        try:
            drained = self._take(records)
        finally:
            close = getattr(records, "close", None)
            if close is not None:
                close()
        if drained:
            return False
        self._flush()
        self._out.flush()
        if not self._out.announced:
            self._announce_declared()
        self._cover_the_rest()
        return not self._context.drain_noticed

    def _take(self, records: Iterator[Any]) -> bool:
        """Consume the generator; True when it was left early, at a checkpoint, because of a drain."""
        for record in records:
            kind: object = record.__class__
            if kind is dict:  # the way of most, and as short as it can be
                rows = self._row_buffer() if self._rows is None else self._rows
                if rows.append(record):
                    self._flush()
            elif isinstance(record, pa.RecordBatch):
                self._flush()
                self._pass(record)
            elif isinstance(record, Checkpoint):
                self._flush()
                self._checkpoint(record)
                if self._context.drain_requested:
                    return True
            elif isinstance(record, pa.Table):
                self._add_table(record)
            elif isinstance(record, Stream):
                self._declare(record)
            elif isinstance(record, Mapping):
                self._add_row(cast("Mapping[str, Any]", record))
            else:
                raise Bug(f"read yielded a {type(record).__name__}; it may yield {_YIELDABLE}")
        return False

    def _checkpoint(self, checkpoint: Checkpoint) -> None:
        known = self._source.state_version
        if checkpoint.version > known:
            raise Bug(
                f"a checkpoint of version {checkpoint.version}, which the next read would refuse: state_version of "
                f"{type(self._source).__name__} is {known}"
            )
        self._out.checkpoint(checkpoint)

    def _add_row(self, row: Mapping[str, Any]) -> None:
        rows = self._row_buffer() if self._rows is None else self._rows
        if rows.append(row):
            self._flush()

    def _row_buffer(self) -> RowBuffer:
        declared = self._declared or self._look_up()
        self._check_columns(declared.arrow_schema)
        self._rows = RowBuffer(str(self._stream.name), declared.arrow_schema, self._stream.columns, self._batch_bytes)
        self._out.announce(self._rows.schema, declared.primary_key)
        return self._rows

    def _add_table(self, table: pa.Table) -> None:
        self._flush()
        batches = table.to_batches()
        if not batches:
            batches = [pa.RecordBatch.from_pylist([], schema=table.schema)]
        for batch in batches:
            self._pass(batch)

    def _declare(self, declared: Stream) -> None:
        self._flush()
        self._declared, self._rows = declared, None
        self._announce_declared()

    def _flush(self) -> None:
        if self._rows:
            records = self._rows.take(self._rows_passed)
            self._rows_passed += records.num_rows
            self._out.records(records)

    def _pass(self, records: pa.RecordBatch) -> None:
        self._rows_passed += records.num_rows
        self._out.records(self._selected(records))

    def _selected(self, records: pa.RecordBatch) -> pa.RecordBatch:
        columns = self._stream.columns
        if not columns or records.schema.names == list(columns):
            return records
        self._check_columns(records.schema)
        return cast("Any", records).select(list(columns))

    def _announce_declared(self) -> None:
        declared = self._declared or self._look_up()
        schema = declared.arrow_schema
        if self._stream.columns:
            self._check_columns(schema)
            schema = selected(schema, self._stream.columns)
        self._out.announce(schema, declared.primary_key)

    def _check_columns(self, schema: pa.Schema) -> None:
        for position, name in enumerate(self._stream.columns):
            if name not in schema.names:
                problem = f"does not exist; choose among: {', '.join(schema.names)}"
                raise Misconfigured(
                    f"stream {self._stream.name} has no column {name!r}",
                    reason="UNKNOWN_COLUMN",
                    fields={f"columns[{position}]": problem},
                )

    def _look_up(self) -> Stream:
        """Find the stream in the catalogue, for its schema and key."""
        for stream in self._source.discover(self._config):
            if StreamName(stream.namespace, stream.name) == self._stream.name:
                self._declared = stream
                return stream
        raise NotFound(f"there is no stream {self._stream.name}", reason="UNKNOWN_STREAM")

    def _cover_the_rest(self) -> None:
        if not self._out.rows_since_checkpoint:
            return
        if self._stream.mode is not ReadMode.SNAPSHOT:
            raise Bug(
                f"{self._out.rows_since_checkpoint} rows of {self._stream.name} follow the last checkpoint: a read"
                " that continues from its state has to end with a Checkpoint"
            )
        self._out.checkpoint_without_state()
