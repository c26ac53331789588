"""Record histories of real workflows into `recorded/`, for test_replay.py.

    PYTHONPATH=tests python tests/worker/record_histories.py

Record anew, under a new name, when a workflow changes what it does; histories that are there stay for as long as such
workflows may still be running somewhere.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from temporalio.client import Client, WorkflowExecution
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded import EmbeddedTemporal
from towpath_sdk.errors import TowpathError
from worker_flow import Flow, stream
from worker_rig import RigWorker, WorkerRig, until

FOLDER = Path(__file__).parent / "recorded"

TWICE = ConnectionSettings(max_attempts=2)
INCREMENT = stream(read="INCREMENTAL", cursor_column="n")
SLOW = {"rows": 5000, "seconds_per_batch": 0.2}


def jobs(rig: WorkerRig) -> Iterator[tuple[str, Job]]:
    """Run a job for every way in which one can end; yield each with the name of its recording."""
    yield "succeeded", rig.connect(stream()).succeed()
    failing = rig.connect(stream(), source={"fail_stream": 0, "fail_kind": "BadRecord"}, settings=TWICE)
    yield "stream_failed", failing.sync()
    hopeless = rig.connect(stream(), source={"fail_stream": 0, "fail_kind": "Unavailable"}, settings=TWICE)
    yield "attempts_exhausted", hopeless.sync()
    yield "second_attempt_succeeded", rig.connect(stream(), source={"die_after_rows": 500}).succeed()
    yield "transfer_failed", rig.connect(stream(), destination={"miscount": True}).sync()
    yield "publication_repeated", rig.connect(INCREMENT, destination={"die_in_complete": True}).succeed()
    slow = rig.connect(INCREMENT, source=SLOW)
    yield "cancelled", cancelled(slow, slow.watch_until(slow.start(), begun))
    publishing = rig.connect(INCREMENT, destination={"seconds_in_complete": 3})
    job = publishing.start()
    until(publishing.rows, "the publication has begun")
    yield "cancelled_while_publishing", cancelled(publishing, job)
    yield "cleared", publishing.wait(rig.client.connections.clear(publishing.connection, []))


def begun(job: Job) -> object:
    """Whether rows have moved."""
    return job.total.rows_read


def cancelled(flow: Flow, job: Job) -> Job:
    """Cancel a job, and wait for its end."""
    with suppress(TowpathError):  # a job that publishes cannot be cancelled any more; Temporal is asked all the same
        flow.client.jobs.cancel(job.name)
    return flow.wait(job)


async def record_schedule(client: Client, rig: WorkerRig) -> None:
    """Record a scheduled run, and one that is skipped because another job is active."""
    flow = rig.connect(INCREMENT, source=SLOW)
    job = flow.watch_until(flow.start(), begun)
    connection = flow.client.connections.get(flow.connection)
    connection.schedule.interval.seconds = 86_400
    flow.client.connections.update(connection, ["schedule"])
    for name in ("skipped", "scheduled"):
        await client.get_schedule_handle(flow.connection).trigger()
        run = await newest(client, f"scheduled/{flow.connection}")
        if name == "skipped":
            await client.get_workflow_handle(run.id, run_id=run.run_id).result()
            cancelled(flow, job)
        else:
            await asyncio.sleep(3)
            (job,) = flow.client.jobs.all(flow.connection, limit=1)
            cancelled(flow, flow.watch_until(job, begun))
        await record(client, f"sync_{name}", run.id, run.run_id)


async def record_abandoned(client: Client, rig: WorkerRig) -> None:
    """Record the workflow that ends a job whose first workflow was terminated by hand."""
    flow = rig.connect(INCREMENT, source=SLOW)
    job = flow.watch_until(flow.start(), begun)
    await client.get_workflow_handle(job.name).terminate("by hand")
    await asyncio.to_thread(flow.wait, job)
    await record(client, "sync_abandoned", job.name)


async def record_lost_worker(client: Client, rig: WorkerRig, worker: RigWorker) -> None:
    """Record a job whose first worker was killed."""
    flow = rig.connect(INCREMENT, source={"rows": 3000, "seconds_per_batch": 0.1})
    job = flow.watch_until(flow.start(), begun)
    worker.kill()
    with rig.worker():
        await asyncio.to_thread(flow.wait, job)
    await record(client, "sync_worker_lost", job.name)


async def newest(client: Client, prefix: str) -> WorkflowExecution:
    """Return the workflow that started last among those whose id begins with `prefix`; waits for one that runs."""
    while True:
        async for found in client.list_workflows(f"WorkflowId STARTS_WITH '{prefix}' AND ExecutionStatus = 'Running'"):
            return found
        await asyncio.sleep(0.05)


async def record(client: Client, name: str, workflow_id: str, run_id: str | None = None) -> None:
    """Write one history."""
    history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    (FOLDER / f"{name}.json").write_text(history.to_json())


async def main() -> None:
    """Record everything."""
    FOLDER.mkdir(exist_ok=True)
    root = Path(tempfile.mkdtemp())
    with (
        EmbeddedTemporal(root / "temporal") as temporal,
        WorkerRig(root / "rig", temporal) as rig,
        rig.worker() as worker,
    ):
        client = await Client.connect(temporal.address, namespace=temporal.namespace)
        rig.register_all()
        async for task in client.list_workflows("WorkflowId STARTS_WITH 'tasks/'"):
            await record(client, "task_succeeded", task.id)
        for name, job in jobs(rig):
            await record(client, f"sync_{name}", job.name)
        await record_schedule(client, rig)
        await record_abandoned(client, rig)
        await record_lost_worker(client, rig, worker)


if __name__ == "__main__":
    asyncio.run(main())
