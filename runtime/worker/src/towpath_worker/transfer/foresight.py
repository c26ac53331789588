"""What a destination would make of streams, asked before there is a job: a dry run of PrepareWrite for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import pyarrow as pa
from towpath.connector.v1 import destination_pb2, types_pb2
from towpath.control.v1 import connections_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.errors import Kind

from towpath_worker.failures import Located, failure_message
from towpath_worker.transfer.drift import read_schema

__all__ = ["Foresight", "foresee"]

_OF_THE_STREAM = frozenset({Kind.MISCONFIGURED, Kind.CONFLICT, Kind.BAD_RECORD, Kind.POSITION_LOST})
"""Kinds of failures that say something of one stream; the others would meet every stream."""


class Foresight(Protocol):
    """A running destination that can be asked what it would do."""

    async def foresee(
        self, write_id: str, stream: destination_pb2.WriteStream, schema: types_pb2.SchemaAnnounce
    ) -> destination_pb2.PrepareWriteResponse:
        """Call PrepareWrite for one stream, and change nothing."""
        ...


async def foresee(
    destination: Foresight, write_id: str, streams: Sequence[worker_pb2.TaskStream]
) -> connections_pb2.PlanConnectionResponse:
    """Ask about each stream in turn. Raises Located when the destination as a whole fails."""
    plans = [await _plan(destination, write_id, index, stream) for index, stream in enumerate(streams)]
    return connections_pb2.PlanConnectionResponse(streams=plans)


async def _plan(
    destination: Foresight, write_id: str, index: int, asked: worker_pb2.TaskStream
) -> connections_pb2.StreamPlan:
    stream = asked.stream
    plan = connections_pb2.StreamPlan(name=stream.name)
    target = destination_pb2.WriteStream(
        name=stream.name, mode=stream.write_mode, primary_key=stream.primary_key, generation_id=1
    )
    schema = types_pb2.SchemaAnnounce(
        schema_id=1, ipc_schema=_selected(asked.ipc_schema, stream.columns), primary_key=stream.primary_key
    )
    try:
        answer = await destination.foresee(write_id, target, schema)
    except Located as failure:
        if failure.error.kind not in _OF_THE_STREAM:
            raise
        plan.failure.CopyFrom(failure_message(failure))
        return plan
    for column in answer.columns:
        column.stream = index
    plan.columns.extend(answer.columns)
    plan.location = answer.locations[0].location if answer.locations else ""
    return plan


def _selected(ipc_schema: bytes, columns: Sequence[str]) -> bytes:
    """Return the schema of these columns, in this order; all of them when there are none."""
    schema = read_schema(ipc_schema)
    if columns:
        fields: Any = {field.name: field for field in cast("Any", schema)}
        schema = pa.schema([fields[name] for name in columns if name in fields])
    return schema.serialize().to_pybytes()
