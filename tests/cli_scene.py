"""Connections between the test connectors, made for tests of the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import Stack
from towpath.control.v1.connections_pb2 import Connection
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.json_values import JsonObject
from worker_flow import stream

__all__ = ["Scene", "program"]

_CONNECTORS = Path(__file__).parent / "worker" / "connectors"


def program(name: str) -> list[str]:
    """Return the command that starts a test connector."""
    return [sys.executable, str(_CONNECTORS / name)]


@dataclass(frozen=True)
class Scene:
    """A stack in which the connectors `numbers` and `folder` are registered; `root` holds what they write."""

    stack: Stack
    root: Path

    def register(self) -> None:
        """Make both connectors known."""
        with self.stack.client() as client:
            client.connectors.create("numbers", program("numbers_source.py"))
            client.connectors.create("folder", program("folder_destination.py"))

    def connect(self, name: str, **source: object) -> str:
        """Create source, destination and connection, all called `name`, and return that; every stream is a snapshot.

        `source` adds to the configuration of the source.
        """
        folder = self.folder(name)
        (folder / ".scratch").mkdir(parents=True)
        config: Mapping[str, object] = {"scratch": str(folder / ".scratch"), **source}
        streams = [stream(f"numbers{index}") for index in range(int(str(source.get("streams", 1))))]
        with self.stack.client() as client:
            client.sources.create(name, "numbers", _json(config))
            client.destinations.create(name, "folder", {"folder": str(folder)})
            wanted = Connection(source=f"sources/{name}", destination=f"destinations/{name}", streams=streams)
            client.connections.create(name, wanted)
        return name

    def folder(self, name: str) -> Path:
        """Folder that the destination of that name writes."""
        return self.root / name

    def rows(self, name: str) -> int:
        """Rows that are published below a folder."""
        return sum(len(path.read_text().splitlines()) for path in self.folder(name).glob("*/*.jsonl"))

    def job(self, identifier: str) -> Job:
        """A job as it stands now."""
        with self.stack.client() as client:
            return client.jobs.get(identifier)

    def jobs(self, connection: str) -> list[str]:
        """Ids of the jobs of a connection, the newest first."""
        with self.stack.client() as client:
            return [job.name.removeprefix("jobs/") for job in client.jobs.all(connection)]

    def latest_job(self, connection: str) -> str:
        """Id of the newest job of a connection."""
        return self.jobs(connection)[0]


def _json(config: Mapping[str, object]) -> JsonObject:
    return dict(config)  # pyright: ignore[reportReturnType]  # of JSON's types by construction
