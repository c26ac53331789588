"""What the supervisor keeps running: Temporal, the server, the worker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from towpath_cli.client import Client
from towpath_cli.target import Target

from towpath_local.addresses import Ports
from towpath_local.data_folder import DataFolder
from towpath_local.embedded import EmbeddedServerError, EmbeddedTemporal
from towpath_local.embedded.ports import LOOPBACK
from towpath_local.embedded.process import Command, Probe, SupervisedProcess

__all__ = ["ProgramService", "Service", "services"]

_READY_SECONDS = 60.0


class Service(Protocol):
    """Something that can run: an embedded server or a program."""

    @property
    def running(self) -> bool:
        """Whether its process runs now."""
        ...

    @property
    def pid(self) -> int:
        """Its process id. Raises EmbeddedServerError when it was not started."""
        ...

    @property
    def log(self) -> Path:
        """File to which it writes."""
        ...

    def start(self) -> object:
        """Start it, and return when it is ready. Raises EmbeddedServerError; nothing runs then."""
        ...

    def stop(self) -> None:
        """Ask it to end, and force it when that takes too long. Repeatable."""
        ...

    def kill(self) -> None:
        """End it and its descendants at once. Repeatable."""
        ...


class ProgramService:
    """A program that is a service; ready when `probe` says so, or as soon as it runs when there is none."""

    def __init__(self, command: Command, probe: Probe | None = None) -> None:
        self._command = command
        self._probe = probe
        self._process: SupervisedProcess | None = None

    @property
    def running(self) -> bool:
        """Whether its process runs now."""
        return self._process is not None and self._process.exit_status() is None

    @property
    def pid(self) -> int:
        """Its process id. Raises EmbeddedServerError when it was not started."""
        if self._process is None:
            raise EmbeddedServerError(f"{self._command.name} was not started")
        return self._process.pid

    @property
    def log(self) -> Path:
        """File to which it writes."""
        return self._command.log

    def start(self) -> None:
        """Start it, and return when it is ready. Raises ServerExited or ServerNotReady; nothing runs then."""
        self.kill()
        process = SupervisedProcess(self._command)
        if self._probe is not None:
            try:
                process.wait_until_ready(self._probe, _READY_SECONDS)
            except BaseException:
                process.kill()
                raise
        self._process = process

    def stop(self) -> None:
        """Ask it to end, and force it when that takes too long."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End it and its descendants at once."""
        if self._process is not None:
            self._process.kill()
            self._process = None


def services(folder: DataFolder, ports: Ports, lock: int) -> dict[str, Service]:
    """Return the services by name, in the order in which they start; `lock` is a descriptor that they keep open."""
    temporal = EmbeddedTemporal(folder.temporal, port=ports.temporal, ui_port=ports.temporal_ui)
    return {
        "temporal": temporal,
        "server": ProgramService(_server(folder, ports, temporal, lock), _serves(server_target(ports))),
        "worker": ProgramService(_worker(folder, ports, temporal, lock)),
    }


def server_target(ports: Ports) -> Target:
    """Return how the server is reached from this machine."""
    return Target(f"{LOOPBACK}:{ports.server}", found_in="towpath up")


def _server(folder: DataFolder, ports: Ports, temporal: EmbeddedTemporal, lock: int) -> Command:
    flags = {
        "listen": f"{LOOPBACK}:{ports.server}",
        # Whoever can reach the loopback address of this machine may use the server; secrets only the worker may read.
        "auth": "off",
        "worker-token-file": str(folder.worker_token_file),
        "key-file": str(folder.key_file),
        "database-url": f"sqlite:///{folder.metadata}",
        "temporal-address": temporal.address,
        "temporal-namespace": temporal.namespace,
    }
    return Command(
        name="towpath-server",
        argv=[
            sys.executable,
            "-m",
            "towpath_server",
            "--create-key-file",
            *(part for name, value in flags.items() for part in (f"--{name}", value)),
        ],
        log=folder.logs / "server.log",
        directory=folder.root,
        inherit=[lock],
    )


def _worker(folder: DataFolder, ports: Ports, temporal: EmbeddedTemporal, lock: int) -> Command:
    return Command(
        name="towpath-worker",
        argv=[sys.executable, "-m", "towpath_worker"],
        log=folder.logs / "worker.log",
        environment={
            "TOWPATH_WORKER_SERVER": f"{LOOPBACK}:{ports.server}",
            "TOWPATH_WORKER_TOKEN_FILE": str(folder.worker_token_file),
            "TOWPATH_WORKER_TEMPORAL": temporal.address,
            "TOWPATH_WORKER_TEMPORAL_NAMESPACE": temporal.namespace,
            "TOWPATH_WORKER_RUN_DIR": str(folder.run_dir),
        },
        directory=folder.root,
        stop_seconds=15,
        inherit=[lock],
    )


def _serves(target: Target) -> Probe:
    def probe() -> str | None:
        with Client(target) as client:
            return None if client.wire.healthy(seconds=2.0) else f"no answer at {target.address}"

    return probe
