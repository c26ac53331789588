"""Streams, splits, plans and specs as messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2

from towpath_sdk._wire.schemas import decode_schema, encode_schema
from towpath_sdk._wire.states import decode_state
from towpath_sdk.catalog import ReadMode, ReadStream, Split, Stream, StreamName, WriteMode, WriteStream
from towpath_sdk.destination import ColumnPlan, Fit
from towpath_sdk.errors import Misconfigured, PositionLost

__all__ = [
    "column_plan_from_wire",
    "column_plan_to_wire",
    "read_stream_from_wire",
    "read_stream_to_wire",
    "split_from_wire",
    "split_to_wire",
    "stream_from_wire",
    "stream_to_wire",
    "write_stream_from_wire",
    "write_stream_to_wire",
]


def stream_to_wire(stream: Stream) -> types_pb2.StreamDescriptor:
    """Encode a stream of a catalogue."""
    descriptor = types_pb2.StreamDescriptor(
        name=types_pb2.StreamName(namespace=stream.namespace, name=stream.name),
        ipc_schema=encode_schema(stream.arrow_schema),
        primary_key=stream.primary_key,
        cursor_columns=stream.cursor_columns,
        kind=stream.kind,
    )
    descriptor.read_modes.extend(cast("types_pb2.ReadMode", mode.value) for mode in stream.read_modes)
    if stream.estimated_rows is not None:
        descriptor.estimated_rows = max(0, stream.estimated_rows)
    return descriptor


def stream_from_wire(descriptor: types_pb2.StreamDescriptor) -> Stream:
    """Decode a stream of a catalogue; read modes of a later protocol are left out."""
    known = {mode.value for mode in ReadMode}
    return Stream(
        name=descriptor.name.name,
        schema=decode_schema(descriptor.ipc_schema),
        namespace=descriptor.name.namespace,
        primary_key=tuple(descriptor.primary_key),
        read_modes=tuple(ReadMode(mode) for mode in descriptor.read_modes if mode in known),
        cursor_columns=tuple(descriptor.cursor_columns),
        estimated_rows=descriptor.estimated_rows if descriptor.HasField("estimated_rows") else None,
        kind=descriptor.kind,
    )


def read_stream_to_wire(stream: ReadStream, state: bytes = b"") -> source_pb2.ReadStream:
    """Encode a stream to read; `state` is the encoded state."""
    return source_pb2.ReadStream(
        name=types_pb2.StreamName(namespace=stream.name.namespace, name=stream.name.name),
        mode=cast("types_pb2.ReadMode", stream.mode.value),
        columns=stream.columns,
        cursor_column=stream.cursor_column,
        state=state,
        state_version=stream.state_version,
    )


def read_stream_from_wire(
    stream: source_pb2.ReadStream, path: str, state_version: int, split: Split | None = None
) -> ReadStream:
    """Decode a stream to read; `state_version` is the highest one that its source knows.

    Raises Misconfigured naming `path` when name or mode are missing, PositionLost when its state is of no use.
    """
    modes = {mode.value: mode for mode in ReadMode}
    if stream.mode not in modes:
        raise _invalid(f"{path}.mode", "is not set or unknown")
    if stream.state and stream.state_version > state_version:
        raise PositionLost(
            f"the stored state is of version {stream.state_version}, and this connector knows {state_version} at most; "
            "upgrade the connector, or refresh the stream",
            reason="UNKNOWN_STATE",
        )
    return ReadStream(
        name=_name(stream.name, path),
        mode=modes[stream.mode],
        columns=tuple(stream.columns),
        cursor_column=stream.cursor_column,
        state=decode_state(stream.state),
        state_version=stream.state_version,
        split=split,
    )


def split_to_wire(split: Split) -> source_pb2.Split:
    """Encode a split."""
    return source_pb2.Split(
        split_id=split.split_id, token=split.token, estimated_bytes=split.estimated_bytes, stream=split.stream
    )


def split_from_wire(split: source_pb2.Split) -> Split:
    """Decode a split."""
    return Split(split.split_id, split.token, split.estimated_bytes, split.stream)


def write_stream_to_wire(stream: WriteStream) -> destination_pb2.WriteStream:
    """Encode a stream to write."""
    return destination_pb2.WriteStream(
        name=types_pb2.StreamName(namespace=stream.name.namespace, name=stream.name.name),
        mode=cast("types_pb2.WriteMode", stream.mode.value),
        primary_key=stream.primary_key,
        generation_id=stream.generation_id,
        minimum_generation_id=stream.minimum_generation_id,
    )


def write_stream_from_wire(stream: destination_pb2.WriteStream, path: str, modes: Sequence[WriteMode]) -> WriteStream:
    """Decode a stream to write. Raises Misconfigured naming `path` when the mode is none of `modes`."""
    known = {mode.value: mode for mode in modes}
    if stream.mode not in known:
        supported = ", ".join(mode.name.lower() for mode in modes)
        raise _invalid(f"{path}.mode", f"is not supported; this destination supports: {supported}")
    return WriteStream(
        name=_name(stream.name, path),
        mode=known[stream.mode],
        primary_key=tuple(stream.primary_key),
        generation_id=stream.generation_id,
        minimum_generation_id=stream.minimum_generation_id,
    )


def column_plan_to_wire(plan: ColumnPlan) -> destination_pb2.ColumnPlan:
    """Encode the fate of a column."""
    return destination_pb2.ColumnPlan(
        stream=plan.stream,
        column=plan.column,
        stored_name=plan.stored_name,
        fit=cast("destination_pb2.ColumnPlan.Fit", plan.fit.value),
        reason=plan.reason,
    )


def column_plan_from_wire(plan: destination_pb2.ColumnPlan) -> ColumnPlan:
    """Decode the fate of a column. Raises Misconfigured when it has none."""
    fits = {fit.value: fit for fit in Fit}
    if plan.fit not in fits:
        raise _invalid(f"columns[{plan.column}].fit", "is not set or unknown")
    return ColumnPlan(plan.stream, plan.column, plan.stored_name, fits[plan.fit], plan.reason)


def _name(name: types_pb2.StreamName, path: str) -> StreamName:
    if not name.name:
        raise _invalid(f"{path}.name", "is empty")
    return StreamName(name.namespace, name.name)


def _invalid(path: str, problem: str) -> Misconfigured:
    return Misconfigured(f"the request is invalid: {path} {problem}", reason="INVALID_REQUEST", fields={path: problem})
