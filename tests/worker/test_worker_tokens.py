"""A worker whose token is changed, or taken away, in the middle of a job."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded import EmbeddedTemporal
from towpath_local.embedded.ports import free_port
from worker_flow import numbers, stream
from worker_rig import WorkerRig

OFTEN = ConnectionSettings(commit_bytes=1 << 20, commit_interval={"seconds": 1})


def committed_more_than(rows: int) -> Callable[[Job], bool]:
    return lambda job: job.total.rows_committed > rows


def seen_at(address: str, path: str) -> tuple[int, str]:
    """Ask the window of a worker; returns status and body."""
    try:
        with urllib.request.urlopen(f"http://{address}/{path}", timeout=20) as answer:  # our own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_token_of_a_worker_is_changed_while_it_works_and_its_job_survives_its_revocation(
    temporal: EmbeddedTemporal, tmp_path: Path
) -> None:
    """Keys are changed on a working day; and one that was stolen is revoked without asking what runs."""
    (static := tmp_path / "static").write_text("unused\n")
    with WorkerRig(tmp_path / "rig", temporal, lease=3.0, flags={"worker-token-file": str(static)}) as rig:
        tokens = {name: rig.client.tokens.create(name, "worker").secret for name in ("old", "new", "other")}
        files = {name: tmp_path / name for name in ("one", "two")}
        files["one"].write_text(tokens["old"])
        files["two"].write_text(tokens["other"])
        watched = f"127.0.0.1:{free_port()}"
        with rig.worker(token_file=files["one"], observe_listen=watched) as first:
            assert seen_at(watched, "readyz") == (200, "ok\n")
            rig.register_all()
            selected = stream(read="INCREMENTAL", cursor_column="n")
            source = {"rows": 4000, "width": 1000, "seconds_per_batch": 0.1}
            flow = rig.connect(selected, source=source, settings=OFTEN)
            job = flow.start()
            flow.watch_until(job, committed_more_than(0))
            files["one"].write_text(tokens["new"])
            rig.client.tokens.revoke("old")
            before = rig.client.jobs.get(job.name).total.rows_committed
            flow.watch_until(job, committed_more_than(before + 1000))
            rig.client.tokens.revoke("new")
            with rig.worker(token_file=files["two"]):
                ended = flow.wait(job)
                assert seen_at(watched, "readyz") == (503, "the server refuses this worker's token\n")
                assert seen_at(watched, "healthz") == (200, "ok\n")
                counted = seen_at(watched, "metrics")[1]
                failed = '\ntowpath_worker_activities_total{activity="transfer",outcome="failed"}'
                assert failed in counted
        assert ended.state == Job.STATE_SUCCEEDED, flow.explain(ended)
        assert len({attempt.worker for attempt in ended.attempts}) == 2, flow.explain(ended)
        assert flow.rows() == numbers(4000, width=1000)
        assert tokens["new"] not in first.log
        assert first.log.count("log lines could not be stored") < 20, "a worker that is refused does not hammer"
