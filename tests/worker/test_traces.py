"""One trace through server, workflow, worker and both connectors, as a real collector receives it; none when off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from google.protobuf.duration_pb2 import Duration
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from span_collector import Collector, Seen
from temporalio.client import Client
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings, Schedule
from towpath.control.v1.jobs_pb2 import Job
from towpath_contracts import schedule_id
from towpath_local.embedded import EmbeddedTemporal
from worker_flow import stream
from worker_rig import RigWorker, WorkerRig

SECRET = "correct-horse-Battery-9-staple"
HEADER = "Qk9aQ29sbGVjdG9yVG9rZW4"
SYNC = "towpath.control.v1.ConnectionService/SyncConnection"
RUNS = "towpath.runtime.v1.JobRunService"
BEGUN = [SYNC, "StartWorkflow:SyncWorkflow"]
TRANSFER = [*BEGUN, "StartActivity:transfer", "RunActivity:transfer"]
PUBLISH = [*BEGUN, "StartActivity:publish", "RunActivity:publish"]
READ = "towpath.connector.v1.SourceService/Read"
WRITE = "towpath.connector.v1.DestinationService/Write"
COMPLETE = "towpath.connector.v1.DestinationService/CompleteWrite"
HANDSHAKE = "towpath.connector.v1.ConnectorService/Handshake"
SOURCE, DESTINATION = "local.numbers-source", "local.folder-destination"
SMALL_COMMITS = ConnectionSettings(commit_bytes=1)


@dataclass(frozen=True)
class Traced:
    """A rig with one worker whose processes send their spans to a collector, which wants a token."""

    rig: WorkerRig
    worker: RigWorker
    collector: Collector


@pytest.fixture(scope="module")
def traced(temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """Both processes; what one variable turns on is turned on for them alone."""
    with ExitStack() as stack:
        collector = stack.enter_context(Collector())
        with pytest.MonkeyPatch.context() as environ:
            environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
            environ.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization={HEADER}")
            environ.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
            rig = stack.enter_context(WorkerRig(tmp_path_factory.mktemp("traced"), temporal))
            worker = stack.enter_context(rig.worker())
        rig.register_all()
        yield Traced(rig, worker, collector)


def named(name: str, trace: str = "", **about: object) -> Callable[[Seen], bool]:
    """Tell a span by its name, its trace, and what it is about."""

    def matches(seen: Seen) -> bool:
        wanted = {f"towpath.{key}": value for key, value in about.items()}
        return seen.name == name and trace in seen.trace and wanted.items() <= seen.about.items()

    return matches


def served(name: str, trace: str, connector: str) -> Callable[[Seen], bool]:
    """Tell the span that a connector itself made of a call, by its kind."""
    there = named(name, trace, connector=connector)
    return lambda seen: there(seen) and seen.span.kind == Span.SPAN_KIND_SERVER


def test_one_trace_joins_server_workflow_worker_and_both_connectors(traced: Traced) -> None:
    """Where did the time of this job go? The parents tell, over five processes."""
    collector = traced.collector
    flow = traced.rig.connect(
        stream(), source={"rows": 300, "password": SECRET}, destination={"password": SECRET}, settings=SMALL_COMMITS
    )
    job = flow.succeed()
    assert len(flow.rows()) == 300
    (root,) = collector.wait(named(SYNC, job=job.name))
    trace = root.trace
    stream_of = [*TRANSFER, "stream"]
    expected: list[tuple[str, Callable[[Seen], bool], list[str]]] = [
        ("towpath-server", named(SYNC, trace, connection=flow.connection, job=job.name), [SYNC]),
        ("towpath-server", named("StartWorkflow:SyncWorkflow", trace), BEGUN),
        ("towpath-worker", named("RunWorkflow:SyncWorkflow", trace), [*BEGUN, "RunWorkflow:SyncWorkflow"]),
        ("towpath-worker", named("RunActivity:transfer", trace, job=job.name, attempt=1), TRANSFER),
        ("towpath-worker", named("launch", trace, connector="connectors/numbers"), [*TRANSFER, "launch"]),
        ("towpath-worker", named("launch", trace, connector="connectors/folder"), [*TRANSFER, "launch"]),
        (SOURCE, served(HANDSHAKE, trace, "connectors/numbers"), [*TRANSFER, "launch", *twice(HANDSHAKE)]),
        ("towpath-worker", named(READ, trace, stream="numbers0"), [*stream_of, READ]),
        (SOURCE, served(READ, trace, "connectors/numbers"), [*stream_of, *twice(READ)]),
        (DESTINATION, served(WRITE, trace, "connectors/folder"), [*stream_of, *twice(WRITE)]),
        ("towpath-worker", named("commit", trace, stream="numbers0", commit=1), [*stream_of, "commit"]),
        (DESTINATION, served(COMPLETE, trace, "connectors/folder"), [*PUBLISH, *twice(COMPLETE)]),
    ]
    seen = collector.wait(*(matches for _, matches, _ in expected))
    assert [(one.service, collector.line(one)) for one in seen] == [(service, line) for service, _, line in expected]
    committed = f"{RUNS}/CommitStream"
    (stored,) = collector.wait(
        lambda one: one.name == committed and one.service == "towpath-server" and one.trace == trace
    )
    assert collector.line(stored) == [*stream_of, "commit", *twice(committed)]
    assert {one.trace for one in collector.seen if one.about.get("towpath.job") == job.name} == {trace}
    assert [one.name for one in collector.seen if one.trace == trace and one.failed] == []
    assert not any("ReportProgress" in one.name or "AppendLogs" in one.name for one in collector.seen)
    assert f"'trace_id': '{trace}'" in flow.log_text(job)
    assert f'"trace_id": "{trace}"' in traced.worker.log


def test_failure_is_an_error_of_its_spans_and_shows_no_secret(traced: Traced) -> None:
    """A trace goes to a system that many may read; so does the token that opens it, if it is logged or handed on."""
    collector = traced.collector
    flow = traced.rig.connect(
        stream(), source={"rows": 2000, "seconds_per_batch": 0.05, "fail_stream": 0, "password": SECRET}
    )
    job = flow.start()
    connector = traced.worker.wait_for("numbers_source.py")
    assert HEADER not in str(connector.environ())
    job = flow.wait(job)
    assert job.state == Job.STATE_FAILED
    (root,) = collector.wait(named(SYNC, job=job.name))
    read, whole = collector.wait(served(READ, root.trace, "connectors/numbers"), named("stream", root.trace))
    for span in (read, whole):
        assert "row 1000 is broken, ***" in span.failed, span
    raw = b"".join(collector.raw)
    assert SECRET.encode() not in raw
    assert b"Traceback" not in raw
    logs = traced.worker.log + (traced.rig.root / "server.log").read_text() + flow.log_text(job)
    assert HEADER not in logs
    assert {headers["authorization"] for headers in collector.headers} == {HEADER}


async def test_scheduled_job_has_a_trace_of_its_own(traced: Traced) -> None:
    """Nobody called for it, so its workflow begins the trace."""
    flow = traced.rig.connect(stream(), source={"rows": 10})
    wanted = Connection(name=flow.connection, schedule=Schedule(interval=Duration(seconds=3600)))
    traced.rig.client.connections.update(wanted, ["schedule"])
    client = await Client.connect(traced.rig.temporal.address, namespace=traced.rig.temporal.namespace)
    await client.get_schedule_handle(schedule_id(flow.connection)).trigger()
    (opened,) = await asyncio.to_thread(
        traced.collector.wait, named("RunActivity:open_job", connection=flow.connection)
    )
    (published,) = await asyncio.to_thread(traced.collector.wait, served(COMPLETE, opened.trace, "connectors/folder"))
    begun = ["StartWorkflow:SyncWorkflow"]
    assert traced.collector.line(opened) == [*begun, "StartActivity:open_job", "RunActivity:open_job"]
    assert traced.collector.line(published) == [*begun, *PUBLISH[2:], *twice(COMPLETE)]


def test_nothing_is_sent_or_imported_when_it_is_off(rig: WorkerRig, worker: RigWorker, traced: Traced) -> None:
    """Most installations have no collector, and must not pay for one."""
    flow = rig.connect(stream(), source={"rows": 1000, "seconds_per_batch": 0.05})
    job = flow.start()
    environ = worker.wait_for("numbers_source.py").environ()
    assert not any(name.startswith("OTEL_") for name in environ)
    assert flow.wait(job).state == Job.STATE_SUCCEEDED
    assert [request for request in traced.collector.raw if job.name.encode() in request] == []
    assert "trace_id" not in flow.log_text(job)
    program = (
        "import sys, towpath_worker.__main__, towpath_server.__main__, towpath_sdk\n"
        "from towpath_sdk import traces\n"
        f"wanted = {{'OTEL_EXPORTER_OTLP_ENDPOINT': '{traced.collector.endpoint}'}}\n"
        "for off in ({}, {**wanted, 'OTEL_SDK_DISABLED': 'true'}, {**wanted, 'OTEL_TRACES_EXPORTER': 'none'}):\n"
        "    assert traces.start_traces('x', off) == '' and not traces.are_on()\n"
        "sys.exit(sum(name.startswith('opentelemetry') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def twice(name: str) -> list[str]:
    """Name the caller's span of a call, and the callee's below it."""
    return [name, name]
