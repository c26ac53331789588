"""Secrets: in the configuration's own messages, and nowhere else."""

from __future__ import annotations

import base64
import json

from temporalio.client import Client
from towpath.control.v1.jobs_pb2 import Job
from worker_flow import stream
from worker_rig import RigWorker, WorkerRig

SECRET = "correct-horse-Battery-9-staple"


def hidden_forms(secret: str) -> list[bytes]:
    """The secret as it is, in JSON, and as any base64 text that contains it would show it."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"-" * shift + raw)[(8 * shift + 5) // 6 + 1 : -4] for shift in range(3)]
    return [raw, json.dumps(secret).encode(), *shifted]


def assert_clean(where: str, content: bytes) -> None:
    for form in hidden_forms(SECRET):
        assert form not in content, f"{where} holds {form!r}"


async def histories(rig: WorkerRig) -> dict[str, bytes]:
    """Everything that Temporal keeps of the rig's workflows, by workflow id."""
    client = await Client.connect(rig.temporal.address, namespace=rig.temporal.namespace)
    found: dict[str, bytes] = {}
    async for workflow in client.list_workflows(f"TaskQueue = '{rig.task_queue}'"):
        history = await client.get_workflow_handle(workflow.id, run_id=workflow.run_id).fetch_history()
        raw = b"".join(event.SerializeToString() for event in history.events)
        found[workflow.id] = raw + history.to_json().encode()
    return found


def test_forms_of_a_secret_are_recognised() -> None:
    """Otherwise the other tests here would find nothing, whatever there is."""
    for around in range(7):
        text = b"x" * around + SECRET.encode() + b"y" * around
        assert any(form in base64.b64encode(text) for form in hidden_forms(SECRET)[2:])


async def test_secret_of_a_configuration_is_seen_by_nobody(rig: WorkerRig, worker: RigWorker) -> None:
    """Not in Temporal, whose histories many may read; not in what `ps` shows; not in logs or failures."""
    flow = rig.connect(
        stream(),
        source={"rows": 2000, "seconds_per_batch": 0.1, "fail_stream": 0, "password": SECRET},
        destination={"password": SECRET},
    )
    rig.client.sources.check(flow.connection.removeprefix("connections/"))
    job = flow.start()
    worker.wait_for("numbers_source.py")
    worker.wait_for("folder_destination.py")
    for process in [worker.process_handle, *worker.connectors()]:
        assert_clean(f"argv of {process}", " ".join(process.cmdline()).encode())
        assert_clean(f"environment of {process}", json.dumps(process.environ()).encode())
        assert "TOWPATH_WORKER_TEMPORAL" not in process.environ() or process.pid == worker.pid
    for file in worker.run_dir.rglob("*"):
        assert_clean(str(file), file.read_bytes() if file.is_file() else b"")
    job = flow.wait(job)
    assert job.state == Job.STATE_FAILED
    assert "row 1000 is broken, ***" in job.failure.message
    assert_clean("the job", job.SerializeToString())
    lines = flow.logs(job)
    assert any("counting" in line.message for line in lines)
    assert_clean("the job's log", b"".join(line.SerializeToString() for line in lines))
    assert_clean("the worker's log", worker.log.encode())
    assert_clean("the server's log", (rig.root / "server.log").read_bytes())
    found = await histories(rig)
    assert job.name in found
    assert any(name.startswith("tasks/") for name in found)
    for name, history in found.items():
        assert_clean(f"history of {name}", history)


async def test_token_of_a_connector_is_its_own(rig: WorkerRig, worker: RigWorker) -> None:
    """A connector must not be able to speak to the one beside it: tokens lie in files of their own, for one user."""
    flow = rig.connect(stream(), source={"rows": 2000, "seconds_per_batch": 0.1})
    job = flow.start()
    for program in ("numbers_source.py", "folder_destination.py"):
        worker.wait_for(program)
    files = [folder / "token" for folder in worker.folders()]
    tokens = {file.read_text() for file in files}
    assert len(tokens) == 2
    assert all(file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0 for file in files)
    rig.client.jobs.cancel(job.name)
    flow.wait(job)
