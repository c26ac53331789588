"""A Docker engine for one machine: `dockerd` from Debian's package, with its own data, socket and runtime folder.

It needs root. Its containers, images and networks are nobody else's, but the bridge `docker0` and the firewall are the
machine's: two engines beside each other would hand out the same addresses, so that one must not be started where
another runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, ClassVar, cast

import docker
from docker.errors import DockerException

from towpath_local.embedded.errors import BinaryMissing, EmbeddedServerError
from towpath_local.embedded.process import Command
from towpath_local.embedded.server import EmbeddedServer

__all__ = ["EmbeddedDocker", "host_address", "running_engine"]

_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")


class EmbeddedDocker(EmbeddedServer):
    """A Docker engine on a Unix socket. Stopping it stops its containers; their data stay until `remove`."""

    name: ClassVar[str] = "Docker"

    def __init__(self, directory: Path | str, *options: str) -> None:
        """Describe an engine whose images and containers lie below `directory`; `options` are more of dockerd's."""
        super().__init__(directory, {})
        self._options = options

    @property
    def url(self) -> str:
        """What DOCKER_HOST says."""
        return f"unix://{self.directory / 'docker.sock'}"

    @contextmanager
    def client(self) -> Generator[Any]:
        """Open a client of the Docker SDK."""
        client = cast("Any", docker).DockerClient(base_url=self.url, timeout=120)
        try:
            yield client
        finally:
            client.close()

    def remove(self) -> None:
        """Remove images, containers and everything else of an engine that does not run."""
        for place in _mounted_below(self.directory):  # by an engine that was killed
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _choose_ports(self) -> dict[str, int]:
        return {}

    def _prepare(self) -> None:
        if os.geteuid() != 0:
            raise EmbeddedServerError("a Docker engine can be started by root only; start the system's own, as root")
        for left in ("docker.pid", "exec/containerd/containerd.pid"):  # of an engine that was killed
            (self.directory / left).unlink(missing_ok=True)

    def _command(self, lock: int) -> Command:
        del lock  # shims of containers outlive an engine that is killed, and would hold it
        program = shutil.which("dockerd", path=os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM_FOLDERS)))
        if program is None:
            raise BinaryMissing("dockerd is not installed; run scripts/system-packages.sh as root")
        options = {
            "data-root": str(self.directory / "data"),
            "exec-root": str(self.directory / "exec"),
            "pidfile": str(self.directory / "docker.pid"),
            "host": self.url,
            "log-level": "warn",
        }
        return Command(
            name=self.name,
            argv=[program, *(part for name, value in options.items() for part in (f"--{name}", value)), *self._options],
            log=self.log,
            # It looks for containerd, runc and iptables there.
            environment={"PATH": os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM_FOLDERS))},
            stop_seconds=40,
        )

    def _probe(self) -> str | None:
        try:
            with self.client() as client:
                client.ping()
        except (DockerException, OSError) as error:
            return str(error)
        return None


def _mounted_below(folder: Path) -> list[str]:
    """Return where something is mounted in `folder`, the deepest first."""
    table = Path("/proc/self/mounts")
    places = [line.split()[1] for line in table.read_text().splitlines()] if table.exists() else []
    return sorted((place for place in places if place.startswith(f"{folder}/")), reverse=True)


def host_address(client: Any) -> str:
    """Return the address of this machine that containers on every bridge reach: the gateway of the default one."""
    network = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    # An engine that finds the bridge of an earlier one names the subnet alone; the first address is the bridge's.
    return network.get("Gateway") or str(IPv4Network(network["Subnet"])[1])


def running_engine() -> str | None:
    """Return the address of the engine that DOCKER_HOST names, or of the system's; None when it does not answer."""
    url = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    try:
        client = cast("Any", docker).DockerClient(base_url=url, timeout=10)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError):
        return None
    return url
