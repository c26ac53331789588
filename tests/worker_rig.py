"""A real server, a real Temporal and real workers as processes, for tests that run jobs between the test connectors."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from running_pids import Pids, only_forks
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings, ConnectionStream
from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_local.embedded import EmbeddedTemporal
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_local.embedded.process import Command, SupervisedProcess
from worker_flow import Flow

__all__ = ["RigServer", "RigWorker", "WorkerRig", "until"]

_CONNECTORS = Path(__file__).parent / "worker" / "connectors"


@dataclass
class RigWorker:
    """One worker process with its own folder for run-time files, kept short because of the paths of sockets."""

    process: SupervisedProcess
    run_dir: Path
    _pids: Pids = field(default_factory=Pids)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def process_handle(self) -> psutil.Process:
        """Its process, for signals and for what it uses."""
        return psutil.Process(self.pid)

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.process.command.log.read_text(errors="replace")

    def kill(self) -> None:
        """`kill -9` the worker alone: its connectors have to notice by themselves."""
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: self.process.exit_status() is not None, "the worker is dead")

    def connectors(self) -> list[psutil.Process]:
        """Processes that were started as connectors of this run folder and still run, with children of theirs."""
        return self._started(forking=False)

    def forking(self) -> list[psutil.Process]:
        """Processes that fork connectors of this run folder."""
        return self._started(forking=True)

    def programs(self) -> list[str]:
        """The names of the programs of its connectors, in order."""
        named: list[str] = []
        for process in self.connectors():
            with suppress(psutil.NoSuchProcess):
                named += [Path(word).name for word in process.cmdline() if word.startswith(str(_CONNECTORS))]
        return sorted(named)

    def connector(self, program: str) -> psutil.Process:
        """The one connector whose command line names `program`."""
        (found,) = [process for process in self.connectors() if program in " ".join(process.cmdline())]
        return found

    def folders(self) -> list[Path]:
        """Folders of connectors that are left."""
        return sorted(self.run_dir.glob("w-*/c*"))

    def _started(self, *, forking: bool) -> list[psutil.Process]:
        running: list[psutil.Process] = []
        for pid in self._pids.started_with("TOWPATH_LISTEN", str(self.run_dir)):
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                running += [psutil.Process(pid)] if only_forks(pid) is forking else []
        return running

    def wait_for(self, program: str, seconds: float = 20.0) -> psutil.Process:
        """Wait until a connector whose command line names `program` serves; return its process."""
        until(lambda: any((folder / "s").exists() for folder in self.folders()), "a socket is there", seconds)
        until(lambda: any(program in " ".join(p.cmdline()) for p in self.connectors()), f"{program} runs", seconds)
        return self.connector(program)


@dataclass
class RigServer:
    """The server as a process that can be killed and started again at the same address."""

    command: Command
    address: str
    process: SupervisedProcess | None = None

    def start(self) -> None:
        """Start it, and return when it serves."""
        self.process = SupervisedProcess(self.command)
        with Client(Target(self.address)) as client:
            self.process.wait_until_ready(lambda: None if client.wire.healthy() else "not serving", 60)

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """Stop it in order."""
        if self.process is not None:
            self.process.stop()


@dataclass
class WorkerRig:
    """One server and one task queue on a Temporal that may be shared; a context manager.

    `lease` is what the server grants an attempt, in seconds; `flags` are more flags of the server. Workers are started
    by the test, with `worker`.
    """

    root: Path
    temporal: EmbeddedTemporal
    lease: float = 8.0
    flags: Mapping[str, str] = field(default_factory=dict[str, str])
    task_queue: str = field(default_factory=lambda: f"rig-{uuid.uuid4().hex[:12]}")
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        self.address = f"{LOOPBACK}:{free_port()}"
        self.server = RigServer(self._server_command(self.address), self.address)
        self.server.start()
        self.client = Client(Target(self.address))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.wire.close()
        self.server.stop()

    @contextmanager
    def worker(self, run_dir: Path | None = None, **settings: object) -> Generator[RigWorker]:
        """Run a worker; `settings` are its variables in lower case, such as start_timeout=5."""
        base = run_dir or Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))  # a socket's path must be short
        variables = {
            "SERVER": self.address,
            "TEMPORAL": self.temporal.address,
            "TEMPORAL_NAMESPACE": self.temporal.namespace,
            "TASK_QUEUE": self.task_queue,
            "RUN_DIR": str(base),
            "LOG_LEVEL": "debug",
        } | {name.upper(): str(value) for name, value in settings.items()}
        command = Command(
            name="towpath-worker",
            argv=[sys.executable, "-m", "towpath_worker"],
            log=self.root / f"worker-{next(self._numbers)}.log",
            environment={f"TOWPATH_WORKER_{name}": value for name, value in variables.items()},
        )
        worker = RigWorker(SupervisedProcess(command), base)
        try:
            until(lambda: "worker ready" in worker.log, "the worker is ready", 30)
            yield worker
            if worker.process.exit_status() is None:
                assert worker.process.stop() == 0, f"the worker did not end in order:\n{worker.log}"
        finally:
            worker.process.stop()
            if run_dir is None:
                shutil.rmtree(base, ignore_errors=True)

    def register(self, name: str, program: str, *arguments: str) -> str:
        """Register a test connector by the name of its program; return its resource name."""
        return self.client.connectors.create(name, [sys.executable, str(_CONNECTORS / program), *arguments]).name

    def register_all(self) -> None:
        """Register `numbers` and `folder`."""
        self.register("numbers", "numbers_source.py")
        self.register("folder", "folder_destination.py")

    def connect(
        self,
        *streams: ConnectionStream,
        source: Mapping[str, object] | None = None,
        destination: Mapping[str, object] | None = None,
        source_connector: str = "numbers",
        settings: ConnectionSettings | None = None,
        policy: Connection.SchemaChangePolicy = Connection.SCHEMA_CHANGE_POLICY_PROPAGATE,
    ) -> Flow:
        """Connect a new source with a new folder; `source` and `destination` add to their configurations."""
        number = next(self._numbers)
        name, folder = f"flow{number}", self.root / f"flow{number}"
        scratch = folder / ".scratch"
        scratch.mkdir(parents=True)
        source_config = {"scratch": str(scratch), **(source or {})}
        self.client.sources.create(name, source_connector, source_config)  # pyright: ignore[reportArgumentType]
        destination_config = {"folder": str(folder), **(destination or {})}
        self.client.destinations.create(name, "folder", destination_config)  # pyright: ignore[reportArgumentType]
        wanted = Connection(
            source=f"sources/{name}",
            destination=f"destinations/{name}",
            streams=streams,
            settings=settings,
            schema_change_policy=policy,
        )
        return Flow(self.client, self.client.connections.create(name, wanted).name, folder, source_config)

    def _server_command(self, address: str) -> Command:
        flags = {
            "listen": address,
            "auth": "off",
            "key-file": str(self.root / "key"),
            "database-url": f"sqlite:///{self.root / 'metadata.db'}",
            "temporal-address": self.temporal.address,
            "temporal-namespace": self.temporal.namespace,
            "task-queue": self.task_queue,
            "lease": f"{self.lease:g}",
            **self.flags,
        }
        pairs = (part for name, value in flags.items() for part in (f"--{name}", value))
        argv = [sys.executable, "-m", "towpath_server", "--create-key-file", *pairs]
        return Command(name="towpath-server", argv=argv, log=self.root / "server.log")


def until(condition: object, what: str, seconds: float = 20.0) -> None:
    """Wait until `condition()` is true; fail with `what` after `seconds`."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.05)
