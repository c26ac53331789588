"""The worker's settings, read once from the environment by `__main__`.

TOWPATH_WORKER_SERVER                 host:port or unix:/path of the server's gRPC address     127.0.0.1:7070
TOWPATH_WORKER_TOKEN_FILE             file with the bearer token for the server                none
TOWPATH_WORKER_TLS                    "true": speak TLS to the server                          false
TOWPATH_WORKER_TLS_CA_FILE            PEM file of the authority that signed the server's key   the system's
TOWPATH_WORKER_TEMPORAL               host:port of Temporal                                    127.0.0.1:7233
TOWPATH_WORKER_TEMPORAL_NAMESPACE     Temporal namespace                                       towpath
TOWPATH_WORKER_TASK_QUEUE             Temporal task queue                                      towpath
TOWPATH_WORKER_MAX_CONCURRENT_JOBS    activities at the same time                              16
TOWPATH_WORKER_RUN_DIR                folder for sockets and tokens of connectors; short       $TMPDIR/towpath-$UID
TOWPATH_WORKER_LAUNCHER               what is started here: "process" for commands, "docker"
                                      for images, or "any"                                     any
TOWPATH_WORKER_DOCKER_PULL            when images are pulled: "missing", "always", "never"     missing
TOWPATH_WORKER_DOCKER_MEMORY          bytes of memory of a container                           1073741824
TOWPATH_WORKER_DOCKER_CPUS            CPUs of a container                                      1
TOWPATH_WORKER_DOCKER_PROCESSES       processes and threads of a container                     256
TOWPATH_WORKER_DOCKER_TEMPORARY       bytes of a container's /tmp                              268435456
TOWPATH_WORKER_DOCKER_SUBNETS         IPv4 network that containers' networks are cut from      10.213.0.0/16
TOWPATH_WORKER_DOCKER_REACH           how containers are reached: "socket", in a shared folder;
                                      "address", their own; "port", of the engine's machine;
                                      "auto": "port" for an engine that is reached by TCP      auto
TOWPATH_WORKER_DOCKER_ENV             variables of the worker that containers see, as for
                                      CONNECTOR_ENV; they see no others                        none
TOWPATH_WORKER_CONNECTOR_ENV          more variables that connectors may see, by comma; a
                                      name may end in "*"                                      none
TOWPATH_WORKER_FORK_CONNECTORS        "false": start the program of a connector anew each time,
                                      where its SDK could fork it from one that is kept        true
TOWPATH_WORKER_START_TIMEOUT          seconds for a connector to become ready                  30
TOWPATH_WORKER_IN_FLIGHT_BYTES        bytes of batches in the broker, per job                  67108864
TOWPATH_WORKER_OBSERVE_LISTEN         host:port for /metrics, /healthz and /readyz             none
TOWPATH_WORKER_OBSERVE_TLS_CERT_FILE  PEM files, to show them over TLS                         none
TOWPATH_WORKER_OBSERVE_TLS_KEY_FILE   likewise                                                 none
TOWPATH_WORKER_LOG_LEVEL              debug, info, warning or error                            info
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import cast

from towpath_contracts import TASK_QUEUE
from towpath_sdk.errors import Misconfigured

from towpath_worker.launch import Limits
from towpath_worker.launch.docker.policy import SUBNET_PREFIX, ContainerPolicy, PullPolicy, Reach

__all__ = ["WorkerSettings", "default_run_dir"]

PREFIX = "TOWPATH_WORKER_"
_POLICY = ContainerPolicy()


def default_run_dir() -> Path:
    """Return a folder of this user's own below the system's temporary folder: paths of sockets have to be short."""
    return Path(tempfile.gettempdir()) / f"towpath-{os.getuid()}"


@dataclass(frozen=True)
class WorkerSettings:
    """How one worker runs; durations in seconds, sizes in bytes."""

    server: str = "127.0.0.1:7070"
    token_file: Path | None = None
    tls: bool = False
    tls_ca_file: Path | None = None
    temporal: str = "127.0.0.1:7233"
    temporal_namespace: str = "towpath"
    task_queue: str = TASK_QUEUE
    max_concurrent_jobs: int = 16
    run_dir: Path = field(default_factory=default_run_dir)
    launcher: str = "any"
    containers: ContainerPolicy = _POLICY
    container_env: tuple[str, ...] = ()
    connector_env: tuple[str, ...] = ()
    fork_connectors: bool = True
    start_timeout: float = 30.0
    in_flight_bytes: int = 64 * 1024 * 1024
    observe_listen: str = ""
    observe_tls_cert_file: Path | None = None
    observe_tls_key_file: Path | None = None
    log_level: str = "info"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> WorkerSettings:
        """Read TOWPATH_WORKER_*; Misconfigured names every variable whose value cannot be used."""
        read = _Reader(environ)
        settings = cls(
            server=read.text("SERVER", cls.server),
            token_file=read.path("TOKEN_FILE"),
            tls=read.flag("TLS"),
            tls_ca_file=read.path("TLS_CA_FILE"),
            temporal=read.text("TEMPORAL", cls.temporal),
            temporal_namespace=read.text("TEMPORAL_NAMESPACE", cls.temporal_namespace),
            task_queue=read.text("TASK_QUEUE", cls.task_queue),
            max_concurrent_jobs=int(read.number("MAX_CONCURRENT_JOBS", cls.max_concurrent_jobs, 1, 1000)),
            run_dir=read.path("RUN_DIR") or default_run_dir(),
            launcher=read.choice("LAUNCHER", cls.launcher, ("any", "process", "docker")),
            containers=_containers(read, cls.containers),
            container_env=read.names("DOCKER_ENV"),
            connector_env=read.names("CONNECTOR_ENV"),
            fork_connectors=read.flag("FORK_CONNECTORS", cls.fork_connectors),
            start_timeout=read.number("START_TIMEOUT", cls.start_timeout, 0.1, 3600),
            in_flight_bytes=int(read.number("IN_FLIGHT_BYTES", cls.in_flight_bytes, 1 << 20, 1 << 40)),
            observe_listen=read.text("OBSERVE_LISTEN", ""),
            observe_tls_cert_file=read.path("OBSERVE_TLS_CERT_FILE"),
            observe_tls_key_file=read.path("OBSERVE_TLS_KEY_FILE"),
            log_level=read.choice("LOG_LEVEL", cls.log_level, ("debug", "info", "warning", "error")),
        )
        read.finish()
        return settings


def _containers(read: _Reader, usual: ContainerPolicy) -> ContainerPolicy:
    limits = usual.limits
    return ContainerPolicy(
        limits=Limits(
            memory_bytes=int(read.number("DOCKER_MEMORY", limits.memory_bytes, 1 << 26, 1 << 43)),
            cpu_millis=int(1000 * read.number("DOCKER_CPUS", limits.cpu_millis / 1000, 0.05, 1000)),
            max_processes=int(read.number("DOCKER_PROCESSES", limits.max_processes, 32, 1 << 20)),
            temporary_bytes=int(read.number("DOCKER_TEMPORARY", limits.temporary_bytes, 1 << 20, 1 << 43)),
        ),
        pull=cast("PullPolicy", read.choice("DOCKER_PULL", usual.pull, ("missing", "always", "never"))),
        reach=cast("Reach", read.choice("DOCKER_REACH", usual.reach, ("auto", "socket", "address", "port"))),
        subnets=read.network("DOCKER_SUBNETS", usual.subnets),
    )


class _Reader:
    """Reads variables and collects what is wrong with them, so that the user sees every mistake at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: dict[str, str] = {}

    def text(self, name: str, default: str) -> str:
        return self._environ.get(PREFIX + name, "").strip() or default

    def path(self, name: str) -> Path | None:
        value = self.text(name, "")
        return Path(value).expanduser().absolute() if value else None

    def flag(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - as the others
        return self.choice(name, str(default).lower(), ("true", "false")) == "true"

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default).lower()
        if value not in choices:
            self._problems[PREFIX + name] = f"{value!r} is none of: {', '.join(choices)}"
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            self._problems[PREFIX + name] = f"{value!r} is not a number"
            return default
        if not low <= number <= high:
            self._problems[PREFIX + name] = f"{value} is not between {low:g} and {high:g}"
        return number

    def network(self, name: str, default: IPv4Network) -> IPv4Network:
        value = self.text(name, str(default))
        try:
            network = IPv4Network(value)
        except ValueError as error:
            self._problems[PREFIX + name] = str(error)
            return default
        if network.prefixlen > SUBNET_PREFIX:
            self._problems[PREFIX + name] = f"{value} is smaller than one network of a container, a /{SUBNET_PREFIX}"
        return network

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def finish(self) -> None:
        if self._problems:
            raise Misconfigured("the worker's environment has wrong values", fields=self._problems)
