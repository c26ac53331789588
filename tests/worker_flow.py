"""One connection between test connectors: running it, and reading what arrived in its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath.connector.v1.types_pb2 import StreamName
from towpath.control.v1.connections_pb2 import ConnectionStream
from towpath.control.v1.jobs_pb2 import Job, LogLine, StreamProgress
from towpath_cli.client import Client

__all__ = ["Flow", "Row", "numbers", "progress_of", "stream"]

Row = dict[str, Any]


def stream(
    name: str = "numbers0", read: str = "SNAPSHOT", write: str = "UNSPECIFIED", **values: Any
) -> ConnectionStream:
    """Select a stream; the write mode is the server's choice unless it is said."""
    return ConnectionStream(
        name=StreamName(name=name),
        read_mode=f"READ_MODE_{read}",
        write_mode=f"WRITE_MODE_{write}",
        **values,
    )


def numbers(stop: int, start: int = 0, *, index: int = 0, width: int = 0) -> list[Row]:
    """The rows that numbers_source reads for one stream, in order."""
    ballast = "-" + "x" * width if width else ""
    return [{"n": number, "stream": index, "text": f"{number}{ballast}"} for number in range(start, stop)]


@dataclass
class Flow:
    """A connection called `connection`; what it delivers is published below `folder`."""

    client: Client
    connection: str
    folder: Path
    source_config: Mapping[str, object] = field(default_factory=dict[str, object])

    def start(self) -> Job:
        """Ask for a job."""
        return self.client.connections.sync(self.connection)

    def sync(self, seconds: float = 60.0) -> Job:
        """Run a job to its end, whatever becomes of it."""
        return self.wait(self.start(), seconds)

    def succeed(self, seconds: float = 60.0) -> Job:
        """Run a job that must succeed."""
        job = self.sync(seconds)
        assert job.state == Job.STATE_SUCCEEDED, self.explain(job)
        return job

    def wait(self, job: Job, seconds: float = 60.0) -> Job:
        """Wait for the end of a job, through restarts of the server."""
        deadline = time.monotonic() + seconds
        latest = job
        for latest in self.client.jobs.watch(job.name):
            assert time.monotonic() < deadline, f"the job did not end in {seconds:g} s: {self.explain(latest)}"
        return latest

    def watch_until(self, job: Job, condition: Any, seconds: float = 30.0) -> Job:
        """Poll a job until `condition(job)` is true; fails when the job ends before."""
        deadline = time.monotonic() + seconds
        while not condition(job := self.client.jobs.get(job.name)):
            ended = job.state in {Job.STATE_SUCCEEDED, Job.STATE_FAILED, Job.STATE_CANCELLED}
            assert not ended, f"the job ended before: {self.explain(job)}"
            assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {self.explain(job)}"
            time.sleep(0.2)
        return job

    def reconfigure(self, **changes: object) -> None:
        """Change the configuration of the source."""
        self.source_config = {**self.source_config, **changes}
        name = self.connection.removeprefix("connections/")
        self.client.sources.update(name, dict(self.source_config))  # pyright: ignore[reportArgumentType]

    def rows(self, name: str = "numbers0") -> list[Row]:
        """Everything that is published of a stream, in the order of its files and lines."""
        return [
            json.loads(line)
            for path in sorted((self.folder / name).glob("*.jsonl"))
            for line in path.read_text().splitlines()
        ]

    def staged(self) -> list[Path]:
        """Files that are not published and not gone either."""
        return [path for path in (self.folder / ".staging").rglob("*") if path.is_file()]

    def logs(self, job: Job) -> list[LogLine]:
        """The job's log."""
        return list(self.client.jobs.logs(job.name))

    def log_text(self, job: Job) -> str:
        """The job's log as one text, a line each."""
        return "\n".join(f"{line.origin}: {line.message} {dict(line.attributes)}" for line in self.logs(job))

    def explain(self, job: Job) -> str:
        """Everything that is known about a job, for a failed assertion."""
        return f"{job}\n{self.log_text(job)}"


def progress_of(job: Job, name: str) -> StreamProgress:
    """The stream of that name in a job."""
    (found,) = [progress for progress in job.streams if progress.name.name == name]
    return found
