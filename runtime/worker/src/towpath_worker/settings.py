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
TOWPATH_WORKER_LAUNCHER               how connectors are started: "process"                    process
TOWPATH_WORKER_CONNECTOR_ENV          more variables that connectors may see, by comma; a
                                      name may end in "*"                                      none
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
from pathlib import Path

from towpath_contracts import TASK_QUEUE
from towpath_sdk.errors import Misconfigured

__all__ = ["WorkerSettings", "default_run_dir"]

PREFIX = "TOWPATH_WORKER_"


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
    launcher: str = "process"
    connector_env: tuple[str, ...] = ()
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
            launcher=read.choice("LAUNCHER", cls.launcher, ("process",)),
            connector_env=read.names("CONNECTOR_ENV"),
            start_timeout=read.number("START_TIMEOUT", cls.start_timeout, 0.1, 3600),
            in_flight_bytes=int(read.number("IN_FLIGHT_BYTES", cls.in_flight_bytes, 1 << 20, 1 << 40)),
            observe_listen=read.text("OBSERVE_LISTEN", ""),
            observe_tls_cert_file=read.path("OBSERVE_TLS_CERT_FILE"),
            observe_tls_key_file=read.path("OBSERVE_TLS_KEY_FILE"),
            log_level=read.choice("LOG_LEVEL", cls.log_level, ("debug", "info", "warning", "error")),
        )
        read.finish()
        return settings


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

    def flag(self, name: str) -> bool:
        return self.choice(name, "false", ("true", "false")) == "true"

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

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def finish(self) -> None:
        if self._problems:
            raise Misconfigured("the worker's environment has wrong values", fields=self._problems)
