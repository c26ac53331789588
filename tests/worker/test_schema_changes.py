"""Schemas: what changes between runs, and what a destination cannot store."""

from __future__ import annotations

import pytest
from towpath.control.v1.connections_pb2 import Connection
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Job
from worker_flow import numbers, stream
from worker_rig import WorkerRig

pytestmark = pytest.mark.usefixtures("worker")

INCREMENT = stream(read="INCREMENTAL", cursor_column="n")


def test_new_column_is_propagated_and_told(rig: WorkerRig) -> None:
    """By default drift is normal: the column arrives, and the log says since when."""
    flow = rig.connect(INCREMENT, source={"rows": 10})
    flow.succeed()
    flow.reconfigure(rows=12, columns=2)
    job = flow.succeed()
    assert flow.rows() == [*numbers(10), *({**row, "extra1": row["n"]} for row in numbers(12, 10))]
    assert "the schema of numbers0 changed: column `extra1` (int64) was added" in flow.log_text(job)
    assert "was added" not in flow.log_text(flow.succeed()), "a change is told once"


def test_removed_column_is_propagated_and_told(rig: WorkerRig) -> None:
    """Somebody downstream will look for the column, and wants to know where it went."""
    flow = rig.connect(stream(), source={"rows": 10, "columns": 2})
    flow.succeed()
    flow.reconfigure(columns=1)
    job = flow.succeed()
    assert flow.rows() == numbers(10)
    assert "column `extra1` (int64) was removed" in flow.log_text(job)


def test_change_fails_a_connection_that_wants_it_so(rig: WorkerRig) -> None:
    """Whoever depends on the schema is asked first; what was delivered stays, and nothing is added to it."""
    flow = rig.connect(INCREMENT, source={"rows": 10}, policy=Connection.SCHEMA_CHANGE_POLICY_FAIL)
    flow.succeed()
    flow.reconfigure(rows=20, columns=2)
    job = flow.sync()
    assert job.state == Job.STATE_FAILED
    assert (job.failure.kind, job.failure.reason) == (Failure.KIND_CONFLICT, "SCHEMA_CHANGED")
    assert "column `extra1` (int64) was added. Change the selected columns, refresh the stream" in job.failure.message
    assert len(job.attempts) == 1
    assert flow.rows() == numbers(10)
    flow.reconfigure(columns=1)
    flow.succeed()
    assert flow.rows() == numbers(20)


def test_column_that_the_destination_cannot_store_fails_the_stream(rig: WorkerRig) -> None:
    """Before a single row moves, with the column's name and the way out."""
    flow = rig.connect(stream(), destination={"impossible": "text"})
    job = flow.sync()
    assert (job.failure.kind, job.failure.origin) == (Failure.KIND_MISCONFIGURED, "destination")
    assert "`text`: folders do not like it. Leave them out of the connection" in job.failure.message
    assert job.total.rows_read == 0
    assert flow.rows() == []


def test_loss_is_told_and_goes_on(rig: WorkerRig) -> None:
    """Rounding is the user's decision; silence about it is not ours."""
    flow = rig.connect(stream(), source={"rows": 10}, destination={"lossy": "n"})
    job = flow.succeed()
    assert "columns are stored with a loss: `n`: loses its flavour" in flow.log_text(job)
    assert flow.rows() == numbers(10)
