"""Connectors that are broken, in front of a real store: a clear failure, and nothing of theirs in the bucket.

`tests/worker` breaks the protocol in every way; here are the ways that users meet, up to S3 and the exit code.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from destination_s3_steps import unfinished
from end_to_end_pipe import Pipe, new_name, progress_of, stream
from faults_leftovers import Leftovers, none_within
from stack import s3_config
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Job, StreamProgress
from towpath_sdk.errors import KINDS, Kind

PROGRAM = Path(__file__).parent.parent / "worker" / "connectors" / "rude_source.py"
STREAMS = {
    "malformed_batch": ("KIND_BAD_RECORD", "MALFORMED_BATCH"),
    "wrong_checksum": ("KIND_BAD_RECORD", "CHECKSUM_MISMATCH"),
    "schema_is_garbage": ("KIND_BUG", "PROTOCOL_VIOLATION"),
    "not_protobuf": ("KIND_BUG", "MALFORMED_MESSAGE"),
}
STARTS = {
    "exits": (Kind.MISCONFIGURED, "try its command"),
    "hangs": (Kind.UNAVAILABLE, "thinking about it"),
}


@dataclass(frozen=True)
class Rude:
    """A registered connector, whose faults `file` names, and a connection from it to S3."""

    pipe: Pipe
    file: Path
    connection: str

    def run(self, fault: str) -> tuple[Job, int]:
        """Run the connection by the command line, the connector having that fault; return the job and the exit code."""
        self.file.write_text(fault)
        try:
            name = self.connection.removeprefix("connections/")
            done = self.pipe.stack.cli("sync", name, "--follow", "--output", "json")
        finally:
            self.file.write_text("")
        with self.pipe.stack.client() as client:
            return client.jobs.get(done.json["name"]), done.code

    def nothing_is_left(self) -> bool:
        """Whether the last run left neither process nor upload."""
        left = none_within(5, Leftovers(self.pipe.stack, self.pipe.database).idle)
        assert left == []
        return unfinished(self.pipe.client, self.pipe.bucket) == []


@pytest.fixture(scope="module")
def rude(shared_pipe: Pipe, tmp_path_factory: pytest.TempPathFactory) -> Rude:
    """Registered while it behaves."""
    pipe, name = shared_pipe, new_name()
    file = tmp_path_factory.mktemp("rude") / "fault"
    file.write_text("")
    streams = [stream(fault, namespace="", write="APPEND") for fault in ("polite", *STREAMS)]
    wanted = Connection(source=f"sources/{name}", destination=f"destinations/{name}", streams=streams)
    wanted.settings.CopyFrom(ConnectionSettings(max_attempts=1))
    with pipe.stack.client() as client:
        client.connectors.create(name, [sys.executable, str(PROGRAM), str(file)])
        client.sources.create(name, name, {})
        client.destinations.create(name, "destination-s3", s3_config(pipe.s3, pipe.bucket, prefix="lake/rude"))
        return Rude(pipe, file, client.connections.create(name, wanted).name)


def test_malformed_streams_fail_alone_and_nothing_of_them_arrives(rude: Rude) -> None:
    """A batch that was damaged on the way must never become a file; the stream beside it arrives whole."""
    job, code = rude.run("")
    assert job.state == Job.STATE_FAILED
    failures = {name: progress_of(job, name).failure for name in STREAMS}
    assert {name: (Failure.Kind.Name(one.kind), one.reason) for name, one in failures.items()} == STREAMS
    assert progress_of(job, "polite").state == StreamProgress.STATE_SUCCEEDED
    assert code == KINDS[Kind[Failure.Kind.Name(job.failure.kind).removeprefix("KIND_")]].exit_code
    assert set(rude.pipe.keys_by_stream()) == {("rude", "polite")}
    assert rude.pipe.found("polite", "rude") == {(number,): 1 for number in range(10)}
    assert rude.nothing_is_left()


@pytest.mark.parametrize("fault", STARTS)
def test_connector_that_does_not_start_fails_the_run_in_its_own_words(rude: Rude, fault: str) -> None:
    """Its last lines are all that there is to find the reason by; they belong into the failure."""
    kind, words = STARTS[fault]
    before = rude.pipe.all_keys()
    job, code = rude.run(fault)
    assert job.state == Job.STATE_FAILED
    assert Failure.Kind.Name(job.failure.kind) == f"KIND_{kind.name}"
    assert words in job.failure.message
    assert code == KINDS[kind].exit_code
    assert rude.pipe.all_keys() == before
    assert rude.nothing_is_left()


def test_connector_that_prints_garbage_still_delivers(rude: Rude) -> None:
    """Standard output is no protocol: whatever a library prints there must not harm a run."""
    job, _ = rude.run("prints_garbage")
    assert progress_of(job, "polite").state == StreamProgress.STATE_SUCCEEDED, rude.pipe.explain(job)


def test_connector_that_does_not_start_cannot_be_registered(rude: Rude, tmp_path: Path) -> None:
    """A typing mistake in a command is found out when it is registered, not by the first run."""
    (tmp_path / "fault").write_text("exits")
    name = new_name()
    command = (sys.executable, str(PROGRAM), str(tmp_path / "fault"))
    refused = rude.pipe.stack.cli("connectors", "create", name, "--", *command)
    assert refused.code == KINDS[Kind.CONFLICT].exit_code
    assert "try its command where the worker runs" in refused.err
    assert "no module named flux_capacitor" in refused.err
    with rude.pipe.stack.client() as client:
        assert f"connectors/{name}" not in {one.name for one in client.connectors.all()}
