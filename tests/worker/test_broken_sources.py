"""Sources that break the protocol, or themselves: every fault ends with its kind, and is told to the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from towpath.connector.v1.types_pb2 import LogEntry
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Attempt, Job, StreamProgress
from worker_flow import Flow, progress_of, stream
from worker_rig import RigWorker, WorkerRig

TEN_ROWS = [{"n": number} for number in range(10)]

BUG = ("KIND_BUG", "source", "PROTOCOL_VIOLATION")
STREAM_FAULTS = {
    "not_protobuf": ("KIND_BUG", "source", "MALFORMED_MESSAGE"),
    "nothing_before_opened": BUG,
    "opened_twice": BUG,
    "batch_before_schema": BUG,
    "sequence_gap": BUG,
    "no_rows": BUG,
    "no_payload": BUG,
    "unknown_stream": BUG,
    "unknown_schema": BUG,
    "schema_again": BUG,
    "schema_is_garbage": BUG,
    "checkpoint_of_the_future": BUG,
    "checkpoint_gap": BUG,
    "no_checkpoint": BUG,
    "no_status": BUG,
    "batch_after_end": BUG,
    "silent_end": BUG,
    "wrong_last_checkpoint": BUG,
    "wrong_checksum": ("KIND_BAD_RECORD", "destination", "CHECKSUM_MISMATCH"),
    "malformed_batch": ("KIND_BAD_RECORD", "destination", "MALFORMED_BATCH"),
    "is_denied": ("KIND_DENIED", "source", "DENIED"),
    "refuses": ("KIND_CONFLICT", "source", "CONFLICT"),
}
"""Faults that concern one stream, and what becomes of them: kind, where it happened, reason."""

ATTEMPT_FAULTS = {
    "exits": ("KIND_MISCONFIGURED", "CONNECTOR_EXITED", "ended with exit code 1 before it was ready; try its command"),
    "exits_misconfigured": ("KIND_MISCONFIGURED", "CONNECTOR_EXITED", "ImportError: no module named flux_capacitor"),
    "exits_unavailable": ("KIND_UNAVAILABLE", "CONNECTOR_EXITED", "ImportError: no module named flux_capacitor"),
    "is_killed": ("KIND_UNAVAILABLE", "CONNECTOR_KILLED", "was killed by SIGKILL (was memory short?)"),
    "hangs": ("KIND_UNAVAILABLE", "CONNECTOR_START_TIMEOUT", "its last lines:\nthinking about it"),
    "handshake_hangs": ("KIND_UNAVAILABLE", "CONNECTOR_TIMEOUT", "did not answer within 10 s; see its lines"),
    "from_the_future": ("KIND_MISCONFIGURED", "PROTOCOL_VERSION", "speaks 1; update the worker"),
    "exits_in_the_middle": ("KIND_UNAVAILABLE", "CONNECTOR_DIED", "its last lines:\nSegmentation fault (not really)"),
    "counts_too_few_rows": ("KIND_BUG", "ROW_COUNT_MISMATCH", "the source counted 9, the broker passed on 10"),
    "counts_too_many_rows": ("KIND_BUG", "ROW_COUNT_MISMATCH", "the source counted 11, the broker passed on 10"),
    "announces_too_many_rows": ("KIND_BAD_RECORD", "ROW_COUNT_MISMATCH", "has 10 rows and announces 11"),
}
"""Faults that end an attempt: kind, reason, and words that the user reads."""

_IN_A_READ = {"exits_in_the_middle", "counts_too_few_rows", "counts_too_many_rows", "announces_too_many_rows"}
_SLOW = {"hangs", "handshake_hangs"}
"""Ten seconds an attempt, so there is only one."""


@dataclass(frozen=True)
class Outcome:
    """A job that has ended."""

    flow: Flow
    job: Job


@pytest.fixture(scope="module")
def attempts_that_failed(
    rig: WorkerRig, worker: RigWorker, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """A job for every fault that ends an attempt, with a second one; all at the same time, because some take long."""
    folder = tmp_path_factory.mktemp("faults")
    started: dict[str, Outcome] = {}
    for fault in ATTEMPT_FAULTS:
        name = fault if fault in _IN_A_READ else "polite"
        flow = rude_flow(rig, folder / fault, name, attempts=1 if fault in _SLOW else 2)
        (folder / fault).write_text(fault)
        started[fault] = Outcome(flow, flow.start())
    return {fault: Outcome(outcome.flow, outcome.flow.wait(outcome.job)) for fault, outcome in started.items()}


@pytest.fixture(scope="module")
def streams_that_failed(rig: WorkerRig, worker: RigWorker, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One job with a stream for every fault that concerns its stream alone, and two streams without a fault."""
    flow = rude_flow(rig, tmp_path_factory.mktemp("faults") / "streams", "polite", *STREAM_FAULTS, "empty", attempts=3)
    return Outcome(flow, flow.sync())


def rude_flow(rig: WorkerRig, fault_file: Path, *streams: str, attempts: int = 2) -> Flow:
    fault_file.write_text("")
    connector = rig.register(f"rude-{fault_file.name.replace('_', '-')}", "rude_source.py", str(fault_file))
    settings = ConnectionSettings(max_attempts=attempts, max_parallel_streams=8)
    return rig.connect(*(stream(name) for name in streams), source_connector=connector, settings=settings)


def said(flow: Flow, job: Job, origin: str, level: LogEntry.Level = LogEntry.LEVEL_UNSPECIFIED) -> str:
    return "\n".join(line.message for line in flow.logs(job) if line.origin == origin and line.level >= level)


def pause(before: Attempt, after: Attempt) -> float:
    return (after.start_time.ToDatetime() - before.end_time.ToDatetime()).total_seconds()


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_fault_of_a_stream_ends_the_stream_with_its_kind(streams_that_failed: Outcome, fault: str) -> None:
    """Kind and origin decide who is called at night, and whether a retry would help."""
    failed = progress_of(streams_that_failed.job, fault)
    assert failed.state == StreamProgress.STATE_FAILED
    assert (Failure.Kind.Name(failed.failure.kind), failed.failure.origin, failed.failure.reason) == STREAM_FAULTS[
        fault
    ]
    assert f"{fault} failed: {failed.failure.message}" in said(
        streams_that_failed.flow, streams_that_failed.job, failed.failure.origin, LogEntry.LEVEL_ERROR
    )
    if failed.failure.reason == "PROTOCOL_VIOLATION":
        assert "update it, or report this to its author" in failed.failure.message


def test_streams_beside_failing_ones_are_delivered(streams_that_failed: Outcome) -> None:
    """One broken table must not keep the others from arriving; what the broken ones staged is not seen."""
    flow, job = streams_that_failed.flow, streams_that_failed.job
    assert job.state == Job.STATE_FAILED
    assert flow.rows("polite") == TEN_ROWS
    assert progress_of(job, "empty").state == StreamProgress.STATE_SUCCEEDED
    assert all(flow.rows(fault) == [] for fault in STREAM_FAULTS)
    assert flow.staged() == []


def test_failures_that_no_retry_helps_are_not_retried(streams_that_failed: Outcome) -> None:
    """Three attempts were allowed; a mistake of the connector would only be repeated."""
    assert len(streams_that_failed.job.attempts) == 1


@pytest.mark.parametrize("fault", ATTEMPT_FAULTS)
def test_fault_of_the_connector_ends_the_attempt_with_its_kind(
    attempts_that_failed: dict[str, Outcome], fault: str
) -> None:
    """The user reads in one place what happened, in the connector's own last words, and what to do next."""
    flow, job = attempts_that_failed[fault].flow, attempts_that_failed[fault].job
    kind, reason, words = ATTEMPT_FAULTS[fault]
    assert job.state == Job.STATE_FAILED, flow.explain(job)
    assert (Failure.Kind.Name(job.failure.kind), job.failure.reason) == (kind, reason)
    assert words in job.failure.message
    assert f"failed: {job.failure.message}" in said(flow, job, job.failure.origin, LogEntry.LEVEL_ERROR)
    assert len(job.attempts) == (2 if kind == "KIND_UNAVAILABLE" and fault not in _SLOW else 1)
    assert flow.rows("polite") == []
    assert flow.staged() == []


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("exits", "ImportError: no module named flux_capacitor"),
        ("hangs", "thinking about it"),
        ("exits_in_the_middle", "Segmentation fault (not really)"),
    ],
)
def test_last_lines_of_a_connector_are_in_the_log(
    attempts_that_failed: dict[str, Outcome], fault: str, line: str
) -> None:
    """Without them nobody can mend a connector that dies somewhere else."""
    outcome = attempts_that_failed[fault]
    assert line in said(outcome.flow, outcome.job, "source")


def test_retries_come_after_growing_pauses(rig: WorkerRig, worker: RigWorker, tmp_path: Path) -> None:
    """A system that is down must not be hammered."""
    flow = rude_flow(rig, tmp_path / "backoff", "polite", attempts=3)
    (tmp_path / "backoff").write_text("exits_unavailable")
    first, second, third = flow.sync().attempts
    assert pause(first, second) >= 1.0
    assert pause(second, third) >= 2.0


def test_retry_waits_as_long_as_the_source_asks(rig: WorkerRig, worker: RigWorker, tmp_path: Path) -> None:
    """An API that says "in three seconds" would answer an earlier request with a longer ban."""
    flow = rude_flow(rig, tmp_path / "throttled", "stops_early", "is_throttled")
    job = flow.sync()
    assert pause(*job.attempts) >= 3.0
    assert progress_of(job, "is_throttled").failure.kind == Failure.KIND_THROTTLED
    assert progress_of(job, "stops_early").failure.reason == "INCOMPLETE"


def test_connector_that_prints_garbage_is_heard_out(rig: WorkerRig, worker: RigWorker, tmp_path: Path) -> None:
    """Standard output is no protocol: binary, endless and countless lines neither block nor break a sync."""
    flow = rude_flow(rig, tmp_path / "garbage", "polite")
    (tmp_path / "garbage").write_text("prints_garbage")
    job = flow.succeed()
    assert flow.rows("polite") == TEN_ROWS
    lines = said(flow, job, "source").splitlines()
    assert any(line.startswith("xxx") and line.endswith("bytes more)") for line in lines)
    assert any("printed lines were dropped: more than 200 a second" in line for line in lines)
    assert len(lines) < 2500
