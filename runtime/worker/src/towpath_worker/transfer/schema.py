"""What happens when a source announces a schema: compare it with the last one, then ask for the destination's plan."""

from __future__ import annotations

from towpath.connector.v1 import destination_pb2, types_pb2
from towpath_sdk.errors import Conflict, Misconfigured

from towpath_worker.failures import Located
from towpath_worker.transfer.drift import described, differences, read_schema
from towpath_worker.transfer.job import Job

__all__ = ["check_drift", "display", "plan"]

_Plan = destination_pb2.ColumnPlan
_MOST_LISTED = 20


def display(name: types_pb2.StreamName) -> str:
    """Return the stream's name for people: `public.orders`."""
    return f"{name.namespace}.{name.name}" if name.namespace else name.name


async def check_drift(job: Job, stream_index: int, stream: types_pb2.StreamName, before: bytes, after: bytes) -> None:
    """Tell server and log what changed since `before`.

    Raises Conflict when the connection's policy says so, and Bug for what is no schema.
    """
    if before == after:
        return
    announced = read_schema(after)
    if not before:
        return
    changes = differences(read_schema(before), announced)
    if not changes:
        return
    await job.platform.schema_changed(stream_index, changes)
    summary = _listed([described(change) for change in changes])
    if job.fail_on_drift:
        raise Located(
            Conflict(
                f"the schema of {display(stream)} changed, and this connection fails on changes: {summary}. Change the"
                " selected columns, refresh the stream, or let the connection propagate changes",
                reason="SCHEMA_CHANGED",
            ),
            "source",
        )
    warn = types_pb2.LogEntry.LEVEL_WARN
    job.journal.note("worker", warn, f"the schema of {display(stream)} changed: {summary}", stream=stream)


async def plan(job: Job, stream: destination_pb2.WriteStream, schema: types_pb2.SchemaAnnounce) -> None:
    """Let the destination prepare for a schema; log what it will lose.

    Raises Misconfigured for columns that it can never store, and Conflict (NEEDS_REFRESH) for those that existing
    data block.
    """
    columns = await job.destination.prepare(job.write_id, stream, schema)
    by_fit: dict[int, list[str]] = {}
    for column in columns:
        by_fit.setdefault(column.fit, []).append(f"`{column.column}`: {column.reason}")
    name = display(stream.name)
    if impossible := by_fit.get(_Plan.FIT_IMPOSSIBLE):
        message = (
            f"the destination cannot store columns of {name}: {_listed(impossible)}. Leave them out of the connection"
        )
        raise Located(Misconfigured(message, reason="COLUMN_IMPOSSIBLE"), "destination")
    if blocked := by_fit.get(_Plan.FIT_NEEDS_REFRESH):
        message = f"existing data of {name} stand in the way: {_listed(blocked)}. Refresh the stream"
        raise Located(Conflict(message, reason="NEEDS_REFRESH"), "destination")
    if lossy := by_fit.get(_Plan.FIT_LOSSY):
        warn = types_pb2.LogEntry.LEVEL_WARN
        job.journal.note("destination", warn, f"columns are stored with a loss: {_listed(lossy)}", stream=stream.name)


def _listed(items: list[str]) -> str:
    more = f"; and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
    return "; ".join(items[:_MOST_LISTED]) + more
