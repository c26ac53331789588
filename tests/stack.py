"""A whole Towpath for tests: `towpath up` as a process of its own, and ways to use it and to hurt it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import psutil
from fix_postgres import Database
from running_pids import only_forks
from stack_folder import known_before
from towpath.control.v1.connections_pb2 import Connection
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client import Client
from towpath_cli.endpoint import Endpoint, read_endpoint
from towpath_cli.json_values import JsonObject
from towpath_cli.target import Target
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.s3 import EmbeddedS3

__all__ = ["FAST", "Finished", "Part", "Stack", "postgres_config", "s3_config"]

Part = Literal["temporal", "server", "worker", "web"]

FAST = {"TOWPATH_SERVER_LEASE": "5", "TOWPATH_WORKER_START_TIMEOUT": "15"}
"""Environment with which a dead worker is noticed within seconds, and a connector that hangs at its start soon."""

_READY_SECONDS = 120.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Finished:
    """A command that has ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass
class Stack:
    """One `towpath up` on one data folder; a context manager that starts and stops it.

    `environ` is added to the environment of all its processes: TOWPATH_SERVER_* and TOWPATH_WORKER_* are its knobs. Its
    ports are free ones, and the same after a restart. With `kept`, the fixture `stack_folder`, its first start finds
    the connectors registered.
    """

    data_dir: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    kept: Path | None = None
    _process: subprocess.Popen[bytes] | None = None
    _ports: tuple[str, ...] | None = None

    @property
    def output(self) -> Path:
        """What `towpath up` itself wrote."""
        return self.data_dir.parent / f"{self.data_dir.name}.out"

    @property
    def endpoint(self) -> Endpoint:
        """What `towpath up` says about itself; fails when it is not ready."""
        endpoint = read_endpoint(self.data_dir)
        assert endpoint is not None, f"not ready:\n{self.output.read_text()}"
        return endpoint

    @property
    def address(self) -> str:
        """`host:port` of the server."""
        return self.endpoint.address

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it, and return when its connectors are registered."""
        with nullcontext() if self.kept is None or self.data_dir.exists() else known_before(self.data_dir, self.kept):
            self._start()
        return self

    def _start(self) -> None:
        if self._ports is None:
            names = ("--port", "--temporal-port", "--temporal-ui-port", "--web-port")
            self._ports = tuple(part for name in names for part in (name, str(free_port())))
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "towpath_local", "--data-dir", str(self.data_dir), *self._ports]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environ},
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it in order and return its exit status; by force, and failing, when it does not stop in time."""
        process = self._running()
        process.send_signal(number)
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """`kill -9` the supervisor itself; everything under it must then end by itself."""
        process = self._running()
        process.kill()
        process.wait()

    def client(self) -> Client:
        """A client of the server; use it as a context manager."""
        return Client(Target(self.address))

    def pid(self, part: Part) -> int:
        """Process id of one part; fails while the part is being started again."""
        return int(self.process_ids()[part])

    def process_ids(self) -> dict[str, int]:
        """Process ids of the parts that run."""
        return json.loads((self.data_dir / "processes.json").read_text())

    def family(self) -> list[psutil.Process]:
        """Every process below the supervisor, connectors included, and their watchdogs."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def connector_processes(self) -> list[psutil.Process]:
        """The connectors that run now, found by their sockets' folder."""
        return [one for one in self.family() if _environ(one).get("TOWPATH_LISTEN") and not only_forks(one.pid)]

    def kill_part(self, part: Part, seconds: float = 60.0) -> int:
        """`kill -9` one part, wait until the supervisor has started it again, and return its new process id."""
        former = self.pid(part)
        os.kill(former, signal.SIGKILL)
        deadline = time.monotonic() + seconds
        while self.process_ids().get(part, former) == former:
            assert time.monotonic() < deadline, f"{part} was not started again:\n{self.output.read_text()}"
            time.sleep(0.02)
        return self.pid(part)

    def log(self, part: Part) -> str:
        """What a part has logged."""
        file = (
            self.data_dir / "temporal" / "server.log" if part == "temporal" else self.data_dir / "logs" / f"{part}.log"
        )
        return file.read_text(errors="replace")

    def cli(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        stdin: str | None = None,
        seconds: float = 120.0,
    ) -> Finished:
        """Run the installed `towpath` against this stack without any TOWPATH_* of ours, and return what it wrote."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.command_environ(environ),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def start_cli(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the installed `towpath` in a session of its own; the caller waits for it or ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.command_environ(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command line for the installed `towpath`."""
        return [str(Path(sys.executable).parent / "towpath"), *arguments]

    def command_environ(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment in which `towpath` finds this stack."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
        return {**clean, "TOWPATH_HOME": str(self.data_dir), **(environ or {})}

    def connect(
        self,
        name: str,
        database: Database,
        s3: EmbeddedS3,
        bucket: str,
        connection: Connection | None = None,
        **destination: Any,
    ) -> str:
        """Create source, destination and connection, all called `name`; return the connection's resource name.

        `connection` says more than source and destination; `destination` adds to the destination's configuration.
        """
        wanted = Connection()
        if connection is not None:
            wanted.CopyFrom(connection)
        wanted.source, wanted.destination = f"sources/{name}", f"destinations/{name}"
        with self.client() as client:
            client.sources.create(name, "source-postgres", postgres_config(database))
            client.destinations.create(name, "destination-s3", s3_config(s3, bucket, **destination))
            return client.connections.create(name, wanted).name

    def sync(self, connection: str, seconds: float = 120.0) -> Job:
        """Run a connection and return its job at the end, whatever became of it."""
        with self.client() as client:
            return self.wait(client.connections.sync(connection), seconds)

    def wait(self, job: Job, seconds: float = 120.0) -> Job:
        """Wait for a job to end, through restarts of the server, and return it."""
        deadline = time.monotonic() + seconds
        with self.client() as client:
            pictures = client.jobs.watch(job.name)
            latest = next(pictures)
            for latest in pictures:
                assert time.monotonic() < deadline, f"the job did not end in {seconds:.0f} s: {latest}"
        return latest

    def _ready(self) -> bool:
        endpoint = read_endpoint(self.data_dir)
        return endpoint is not None and self._process is not None and endpoint.pid == self._process.pid

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._ready():
            assert process.poll() is None, f"`towpath up` ended:\n{self.output.read_text()}"
            assert time.monotonic() < deadline, f"`towpath up` is not ready:\n{self.output.read_text()}"
            time.sleep(0.1)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process


def postgres_config(database: Database, **more: Any) -> JsonObject:
    """Return the configuration of source-postgres for a test database."""
    return {
        "host": database.host,
        "port": database.port,
        "database": database.name,
        "user": database.user,
        "password": database.password,
        "sslmode": "disable",
        **more,
    }


def s3_config(s3: EmbeddedS3, bucket: str, **more: Any) -> JsonObject:
    """Return the configuration of destination-s3 for a test bucket."""
    return {
        "bucket": bucket,
        "region": s3.region,
        "endpoint": s3.endpoint,
        "path_style": True,
        "access_key_id": s3.access_key,
        "secret_access_key": s3.secret_key,
        **more,
    }


def _environ(process: psutil.Process) -> Mapping[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
