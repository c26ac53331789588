"""Sources whose code breaks a rule of reads: what they emit is in order, and wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
from towpath_sdk import Checkpoint, Conflict, Context, ReadMode, ReadStream, Record
from towpath_source_faker import FakerConfig, FakerSource
from towpath_source_faker.remote import today

from conformance_mutants.mutant import mutant

_TOO_LARGE = Decimal("12345678901234567.89")
_from_arrays: Any = cast("Any", pa).RecordBatch.from_arrays


class _Emitting(FakerSource):
    """Changes what is emitted: `change` gets the stream, the context and each record."""

    def __init__(self, change: Callable[[ReadStream, Context, Record], Record]) -> None:
        self._change = change

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        return (self._change(stream, context, record) for record in super().read(config, stream, context))


class _Continuing(FakerSource):
    """Changes from where a read continues."""

    def __init__(self, change: Callable[[FakerConfig, ReadStream], ReadStream]) -> None:
        self._change = change

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        return super().read(config, self._change(config, stream), context)


def _beyond_precision(stream: ReadStream, _: Context, record: Record) -> Record:
    """Give the first row of each batch a decimal with more digits than its type has."""
    if stream.name.name != "orders" or not isinstance(record, pa.RecordBatch):
        return record
    place = record.schema.names.index("total") if "total" in record.schema.names else -1
    if place < 0:
        return record
    wide = pa.array([_TOO_LARGE, *record.column(place).to_pylist()[1:]], pa.decimal128(19, 2))
    narrow = pa.Array.from_buffers(record.schema.field(place).type, len(wide), wide.buffers())
    return _replaced(record, place, narrow)


def _beyond_2_to_the_53(stream: ReadStream, _: Context, record: Record) -> Record:
    """Let integers pass through floating point, as careless languages do."""
    if stream.name.name != "types" or not isinstance(record, pa.RecordBatch):
        return record
    for place, data_type in enumerate(record.schema.types):
        if data_type.equals(pa.int64()):
            values = record.column(place).to_pylist()
            rounded = [None if value is None else min(int(float(cast("int", value))), 2**63 - 1024) for value in values]
            record = _replaced(record, place, pa.array(rounded, pa.int64()))
    return record


def _gives_up_when_it_changes(_: ReadStream, __: Context, record: Record) -> Record:
    if isinstance(record, pa.RecordBatch) and "note" in record.schema.names:
        raise Conflict("the schema has changed; refresh the stream", reason="SCHEMA_CHANGED")
    return record


def _upside_down_in_retries(stream: ReadStream, context: Context, record: Record) -> Record:
    if (
        stream.name.name == "customers"
        and context.attempt > 1
        and not stream.state
        and isinstance(record, pa.RecordBatch)
    ):
        return cast("Any", record).take(pa.array(range(record.num_rows - 1, -1, -1)))
    return record


def _replaced(records: pa.RecordBatch, place: int, column: Any) -> pa.RecordBatch:
    columns = [column if index == place else each for index, each in enumerate(records.columns)]
    return cast("pa.RecordBatch", _from_arrays(columns, schema=records.schema))


def _moved(by: int) -> Callable[[FakerConfig, ReadStream], ReadStream]:
    """Continue so many rows further on than the state says, in snapshots of `customers`."""

    def change(config: FakerConfig, stream: ReadStream) -> ReadStream:
        if stream.name.name != "customers" or not isinstance(stream.state, dict):
            return stream
        state = cast("dict[str, Any]", stream.state)
        if type(state.get("next")) is not int or not 0 < state["next"] < config.rows:
            return stream
        return replace(stream, state={**state, "next": state["next"] + by})

    return change


def _starts_over_each_day(config: FakerConfig, stream: ReadStream) -> ReadStream:
    state = stream.state if isinstance(stream.state, dict) else {}
    late = stream.mode is ReadMode.INCREMENTAL and state.get("day") != today(config)
    return replace(stream, state=None) if late and "day" in state else stream


class _ReleasesWhatIsEmitted(FakerSource):
    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        for record in super().read(config, stream, context):
            if isinstance(record, Checkpoint):
                super().acknowledge(config, stream, record)
            yield record


class _NeverReleases(FakerSource):
    def acknowledge(self, config: FakerConfig, stream: ReadStream, checkpoint: Checkpoint) -> None:
        del config, stream, checkpoint


for _check, _name, _part in (
    ("read.arrow-valid", "has more digits than its type", lambda: _Emitting(_beyond_precision)),
    ("read.type-matrix", "rounds beyond 2^53", lambda: _Emitting(_beyond_2_to_the_53)),
    ("read.schema-change", "gives up when the schema changes", lambda: _Emitting(_gives_up_when_it_changes)),
    ("read.repeatable", "reads upside down in retries", lambda: _Emitting(_upside_down_in_retries)),
    ("state.resume-without-gap", "skips a row when it continues", lambda: _Continuing(_moved(1))),
    ("state.resume-without-repeat", "repeats a row when it continues", lambda: _Continuing(_moved(-1))),
    ("state.incremental", "starts over each day", lambda: _Continuing(_starts_over_each_day)),
    ("state.holds-until-acknowledged", "releases what is emitted", _ReleasesWhatIsEmitted),
    ("state.releases-acknowledged", "never releases", _NeverReleases),
):
    mutant(
        _check, "source", _name, part=_part, **({"case": {"patience.call_seconds": 2}} if "releases" in _check else {})
    )
