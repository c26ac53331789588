"""How the worker reaches a container, and how the container gets what it proves itself with.

`SharedFolder`: a Unix socket in a folder that both see; the fastest way, for an engine on this machine. `Network`: a
port of the container, by its own address or by a port of the engine's machine that is published for it. There is TLS
then, and token, certificate and key are written into a volume of the container before it starts: a folder of this
machine could not be mounted.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from docker.types import Mount

from towpath_worker.launch.docker.certificate import certificate
from towpath_worker.launch.docker.policy import Reach
from towpath_worker.launch.run_dir import ConnectorDir

__all__ = ["Endpoint", "Way", "way_to"]

_SHARED = "/run/towpath"
_TOKEN = "/run/towpath-token"  # noqa: S105 - a path
_PORT = 7443
_NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class Endpoint:
    """Where a container listens. `socket` appears when it does; `certificate` is PEM, of a port only."""

    address: str
    socket: Path | None = None
    certificate: bytes | None = None


class Way(Protocol):
    """A way to a container that is about to be made."""

    @property
    def shared_at(self) -> str:
        """What the container calls the folder that it shares with the worker; empty when there is none."""
        ...

    def options(self) -> dict[str, Any]:
        """Return what the engine is told of it; `environment` is for the connector."""
        ...

    def fill(self, container: Any) -> None:
        """Put files into a container that has not been started. Blocks."""
        ...

    def endpoint(self, attributes: Any) -> Endpoint:
        """Return where a container listens that was started and then inspected."""
        ...


def way_to(client: Any, reach: Reach, folder: ConnectorDir, user: int) -> Way:
    """Choose how to reach a container whose process runs as `user`."""
    engine = urlsplit(str(client.api.base_url))
    remote = engine.scheme in ("http", "https")
    if reach == "socket" or (reach == "auto" and not remote):
        return SharedFolder(folder, user)
    host = (engine.hostname or "") if remote else "127.0.0.1"
    return Network(folder.token, user, published_at=None if reach == "address" else host)


class SharedFolder:
    """A socket in a folder of this machine."""

    def __init__(self, folder: ConnectorDir, user: int) -> None:
        self._folder = folder
        self._shared = folder.hand_over(user)
        self.shared_at = _SHARED

    def options(self) -> dict[str, Any]:
        """Mount the folder, and the token's file."""
        return {
            "environment": {"TOWPATH_LISTEN": f"unix:{_SHARED}/s", "TOWPATH_TOKEN_FILE": _TOKEN},
            "volumes": [f"{self._shared}:{_SHARED}", f"{self._folder.token_file}:{_TOKEN}:ro"],
        }

    def fill(self, container: Any) -> None:
        """Nothing is left to do."""

    def endpoint(self, attributes: Any) -> Endpoint:
        """The socket, as this machine sees it."""
        del attributes
        return Endpoint(self._folder.address, self._folder.socket)


class Network:
    """A port, with TLS. `published_at` is the host of the engine; None where containers can be reached themselves."""

    def __init__(self, token: str, user: int, *, published_at: str | None) -> None:
        self.shared_at = ""
        self._user = user
        self._published_at = published_at
        self._certificate, key = certificate()
        self._files: Mapping[str, bytes] = {"token": token.encode(), "tls.crt": self._certificate, "tls.key": key}

    def options(self) -> dict[str, Any]:
        """Ask for a volume that dies with the container, and for the port."""
        options: dict[str, Any] = {
            "environment": {
                "TOWPATH_LISTEN": f"0.0.0.0:{_PORT}",
                "TOWPATH_TOKEN_FILE": f"{_SHARED}/token",
                "TOWPATH_TLS_CERT_FILE": f"{_SHARED}/tls.crt",
                "TOWPATH_TLS_KEY_FILE": f"{_SHARED}/tls.key",
            },
            # Without what the image may have there: the folder is root's, and the connector cannot write to it.
            "mounts": [Mount(_SHARED, None, no_copy=True)],
        }
        if self._published_at is not None:
            where = "127.0.0.1" if _is_loopback(self._published_at) else "0.0.0.0"  # noqa: S104 - TLS and a token
            options["ports"] = {f"{_PORT}/tcp": (where, None)}
        return options

    def fill(self, container: Any) -> None:
        """Write the files, for the container's user alone."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in self._files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o400, self._user, self._user
                archive.addfile(entry, io.BytesIO(content))
        container.put_archive(_SHARED, buffer.getvalue())

    def endpoint(self, attributes: Any) -> Endpoint:
        """The port, as far as the container still has one: it may have ended at once."""
        network: dict[str, Any] = attributes["NetworkSettings"]
        if self._published_at is None:
            addresses = [one["IPAddress"] for one in network["Networks"].values() if one["IPAddress"]]
            found = [f"{address}:{_PORT}" for address in addresses]
        else:
            ports: dict[str, list[dict[str, str]] | None] = network["Ports"] or {}
            bound = ports.get(f"{_PORT}/tcp") or []
            host = f"[{self._published_at}]" if ":" in self._published_at else self._published_at
            found = [f"{host}:{one['HostPort']}" for one in bound if ":" not in one["HostIp"]]
        return Endpoint(found[0] if found else _NOWHERE, certificate=self._certificate)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
