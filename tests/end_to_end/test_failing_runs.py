"""Runs that fail: each stream says why and what to do, the others arrive, and what was delivered before stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from destination_s3_steps import unfinished
from end_to_end_pipe import Pipe, Rows, progress_of, stream
from faults_leftovers import Leftovers, none_within
from stack import postgres_config, s3_config
from towpath.control.v1.failures_pb2 import Failure
from towpath.control.v1.jobs_pb2 import Job, StreamProgress
from towpath_sdk.errors import KINDS, Kind

ROLE = "reader_of_some"
PASSWORD = "not-in-any-log"
TABLE = """
CREATE TABLE {name} (id int PRIMARY KEY, amount numeric(8,2), note text);
INSERT INTO {name} SELECT n, n / 4.0, 'note ' || n FROM generate_series(1, 100) n;
GRANT SELECT ON {name} TO {role};
"""
BREAKS = {
    "fine": "INSERT INTO fine VALUES (101, 1, 'new')",
    "forbidden": f"REVOKE SELECT ON forbidden FROM {ROLE}",
    "vanished": "DROP TABLE vanished",
    "narrower": "ALTER TABLE narrower DROP note",
    "unfit": "UPDATE unfit SET amount = 'NaN' WHERE id = 50",
}
"""What happens to each table between two runs."""
SAID = {
    "forbidden": ("KIND_DENIED", "MISSING_PRIVILEGE", f"GRANT SELECT ON public.forbidden TO {ROLE}"),
    "vanished": ("KIND_NOT_FOUND", "NO_SUCH_TABLE", "discover the source"),
    "narrower": ("KIND_MISCONFIGURED", "UNKNOWN_COLUMN", "note"),
    "unfit": ("KIND_BAD_RECORD", "UNREPRESENTABLE_VALUE", 'special_values_by_column."public.unfit.amount"'),
}


@dataclass(frozen=True)
class Broken:
    """A connection that has run once, and its second job, started and followed by the command line."""

    pipe: Pipe
    connection: str
    before: Mapping[str, Rows]
    job: Job
    exit_code: int
    err: str


@pytest.fixture(scope="module")
def broken(shared_pipe: Pipe) -> Broken:
    """Two runs, the second after all tables but one were broken."""
    shared_pipe.sql(f"DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
    for name in BREAKS:
        shared_pipe.sql(TABLE.format(name=name, role=ROLE))
    pipe = replace(shared_pipe, source={"user": ROLE, "password": PASSWORD})
    streams = [stream(name, write="OVERWRITE") for name in BREAKS if name != "narrower"]
    connection = pipe.connect(*streams, stream("narrower", write="OVERWRITE", columns=["id", "note"]))
    pipe.succeed(connection)
    before = {name: pipe.found(name) for name in BREAKS}
    for statement in BREAKS.values():
        pipe.sql(statement)
    done = pipe.stack.cli("sync", connection.removeprefix("connections/"), "--follow", "--output", "json")
    with pipe.stack.client() as client:
        job = client.jobs.get(done.json["name"])
    return Broken(pipe, connection, before, job, done.code, done.err)


@pytest.mark.parametrize("name", SAID)
def test_stream_says_why_it_failed_and_what_to_do(broken: Broken, name: str) -> None:
    """The user should mend it from the message alone, at night, without us."""
    failed = progress_of(broken.job, name)
    kind, reason, words = SAID[name]
    assert failed.state == StreamProgress.STATE_FAILED
    assert (Failure.Kind.Name(failed.failure.kind), failed.failure.reason) == (kind, reason)
    assert failed.failure.origin == "source"
    assert words in failed.failure.message


@pytest.mark.parametrize("name", SAID)
def test_what_was_delivered_before_stays(broken: Broken, name: str) -> None:
    """An overwrite that fails must leave the last good copy, not a hole."""
    assert broken.pipe.found(name) == broken.before[name]
    assert broken.before[name].total() == 100


def test_streams_beside_failing_ones_arrive(broken: Broken) -> None:
    """One broken table must not keep the others back; nor is anything retried that a retry cannot help."""
    assert broken.job.state == Job.STATE_FAILED
    assert progress_of(broken.job, "fine").state == StreamProgress.STATE_SUCCEEDED
    assert broken.pipe.found("fine") == broken.pipe.rows("SELECT * FROM fine")
    assert len(broken.job.attempts) == 1


def test_failed_run_leaves_nothing_behind_and_tells_no_secret(broken: Broken) -> None:
    """Nobody cleans up after a failed run."""
    pipe = broken.pipe
    assert none_within(5, Leftovers(pipe.stack, pipe.database).idle) == []
    assert unfinished(pipe.client, pipe.bucket) == []
    log = pipe.log(broken.job)
    assert not any(PASSWORD in text for text in (log, broken.err, str(broken.job), pipe.stack.log("worker")))


def test_exit_code_of_the_command_is_that_of_the_failure(broken: Broken) -> None:
    """Scripts decide by it whether to try again."""
    kinds = [progress.failure.kind for progress in broken.job.streams if progress.HasField("failure")]
    first = Kind[Failure.Kind.Name(broken.job.failure.kind).removeprefix("KIND_")]
    assert broken.job.failure.kind in kinds
    assert broken.exit_code == KINDS[first].exit_code


ENDPOINTS = {
    "wrong password": ("sources", {"password": "wrong"}, "KIND_DENIED", "INVALID_PASSWORD", "check user and password"),
    "unknown host": ("sources", {"host": "a..b"}, "KIND_MISCONFIGURED", "UNKNOWN_HOST", "check its name"),
    "missing bucket": (
        "destinations", {"bucket": "no-such-one"}, "KIND_MISCONFIGURED", "NO_SUCH_BUCKET", "create the bucket",
    ),
    "read-only identity": ("destinations", {}, "KIND_DENIED", "ACCESS_DENIED", "check the credentials"),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDPOINTS)
def test_run_with_a_wrong_endpoint_fails_once_and_loses_nothing(broken: Broken, case: str) -> None:
    """Credentials expire and buckets are renamed while connections run by their schedules."""
    collection, change, kind, reason, words = ENDPOINTS[case]
    pipe, name = broken.pipe, broken.connection.removeprefix("connections/")
    good: dict[str, Any] = {
        "sources": {**postgres_config(pipe.database), **pipe.source},
        "destinations": s3_config(pipe.s3, pipe.bucket, prefix="lake"),
    }
    bad = {**good[collection], **change}
    if case == "read-only identity":
        bad["access_key_id"], bad["secret_access_key"] = pipe.s3.reader_keys
    before = pipe.all_keys()
    with pipe.stack.client() as client:
        ends = {"sources": client.sources, "destinations": client.destinations}
        ends[collection].update(name, bad)
        done = pipe.stack.cli("sync", name, "--follow", "--output", "json")
        ends[collection].update(name, good[collection])
        assert done.out, done
        job = client.jobs.get(done.json["name"])
    assert job.state == Job.STATE_FAILED
    assert (Failure.Kind.Name(job.failure.kind), job.failure.reason) == (kind, reason), pipe.explain(job)
    assert words in job.failure.message
    assert done.code == KINDS[Kind[kind.removeprefix("KIND_")]].exit_code
    assert len(job.attempts) == 1
    assert pipe.all_keys() == before
    assert unfinished(pipe.client, pipe.bucket) == []
