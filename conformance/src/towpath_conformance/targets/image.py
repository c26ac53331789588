"""A connector that is started as a container, fenced in as a careful operator would.

The container listens on a Unix socket in a folder that it shares with the judge, and so is its /tmp, where the judge
looks for what it leaves; so the Docker engine has to be on the same machine. Its root is read-only, it has no
capabilities, and its memory and processes are bounded. It may reach the network, because its system is there. The judge
holds its standard input: a container whose judge was killed ends by itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from towpath_conformance.exchange import Exchange, noting
from towpath_conformance.peer import Peer
from towpath_conformance.targets.container import Container
from towpath_conformance.targets.endpoint import serving
from towpath_conformance.targets.port import Instance, StartFailed

__all__ = ["ImageTarget"]

_LABEL = "io.towpath.conformance"
_SHARED = "/run/towpath"
_TEMPORARY = "/tmp"  # noqa: S108 within the container
_TOKEN = "/run/towpath-token"  # noqa: S105 a path
_MEMORY_BYTES = 2 * 1024**3
_PROCESSES = 512
_ENGINE_SECONDS = 120
_OUTPUT_KEPT = 4000


@dataclass(frozen=True)
class ImageTarget:
    """An image on the local Docker engine; it is never pulled."""

    image: str
    network: str | None = None
    """Name of the network; the engine's default bridge when there is none."""
    volumes: Sequence[str] = ()
    """As `docker run --volume` takes them: HOST:PATH, or HOST:PATH:ro."""
    can_start: bool = True

    @property
    def name(self) -> str:
        """As on the command line."""
        return f"--image {self.image}"

    @asynccontextmanager
    async def start(
        self, ready_seconds: float, *, environ: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Instance]:
        """Start a container; leaving removes it, whatever became of it."""
        with tempfile.TemporaryDirectory(prefix="towpath-", ignore_cleanup_errors=True) as name:
            # The folder itself is the judge's alone. What is shared lies inside of it, open to whatever user the image
            # runs as.
            folder, token = Path(name), secrets.token_urlsafe(24)
            for part in ("run", "tmp"):
                (folder / part).mkdir()
                (folder / part).chmod(0o777)
            (folder / "token").write_text(token)
            (folder / "token").chmod(0o444)
            container = await _finished(asyncio.to_thread(self._run, folder, environ or {}))
            listens = folder / "run" / "s"
            peer = Peer(f"unix:{listens}", token)
            try:
                with noting(Exchange()):
                    ready = await _ready(peer, container, listens, ready_seconds)
                if not ready:
                    raise StartFailed(await asyncio.to_thread(_why_not_ready, container, ready_seconds))
                yield Instance(f"unix:{listens}", token, peer, container)
            finally:
                await peer.close()
                await asyncio.to_thread(container.remove)

    def _run(self, folder: Path, environ: Mapping[str, str]) -> Container:
        client = _engine()
        try:
            # Not `run`, which would ask a registry for an image that is not there.
            raw = client.containers.create(
                self.image,
                labels={_LABEL: f"{socket.gethostname()}/{os.getpid()}"},
                environment={
                    **environ,
                    "TOWPATH_LISTEN": f"unix:{_SHARED}/s",
                    "TOWPATH_TOKEN_FILE": _TOKEN,
                    "TOWPATH_EXIT_WITH_PARENT": "1",
                    "HOME": _TEMPORARY,
                    "TMPDIR": _TEMPORARY,
                },
                volumes=[
                    f"{folder / 'run'}:{_SHARED}",
                    f"{folder / 'tmp'}:{_TEMPORARY}",
                    f"{folder / 'token'}:{_TOKEN}:ro",
                    *(_absolute(volume) for volume in self.volumes),
                ],
                stdin_open=True,
                # Only its owner and root may connect to a socket.
                user=None if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}",
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit=_MEMORY_BYTES,
                memswap_limit=_MEMORY_BYTES,
                pids_limit=_PROCESSES,
                **_reachable(self.network),
            )
        except ImageNotFound:
            raise StartFailed(
                f"the Docker engine has no image {self.image}; build it with docker build -t {self.image} ."
            ) from None
        except (APIError, OSError) as error:
            raise StartFailed(f"the Docker engine cannot make a container of {self.image}: {_said(error)}") from error
        container = Container(raw, folder / "tmp")
        try:
            container.hold()
            raw.start()
        except (APIError, OSError) as error:
            container.remove()
            raise StartFailed(f"the Docker engine cannot start {self.image}: {_said(error)}") from error
        return container


def _engine() -> Any:
    try:
        return cast("Any", docker).from_env(timeout=_ENGINE_SECONDS)
    except DockerException as error:
        raise StartFailed(
            "no Docker engine answers; start it (systemctl start docker), set DOCKER_HOST, or judge by --command: "
            f"{error}"
        ) from error


def _reachable(network: str | None) -> dict[str, Any]:
    """The network of the container; on a bridge the machine itself is called host.docker.internal."""
    if network in ("host", "none"):
        return {"network_mode": network}
    hosts = {"extra_hosts": {"host.docker.internal": "host-gateway"}}
    return {**hosts, "network": network} if network is not None else hosts


def _absolute(volume: str) -> str:
    host, _, rest = volume.partition(":")
    # A name without a slash is a volume of the engine, as for `docker run`.
    return f"{Path(host).absolute()}:{rest}" if "/" in host or host == "." else volume


async def _finished(starting: Coroutine[Any, Any, Container]) -> Container:
    """Wait for the engine; when interrupted meanwhile, remove what it makes nevertheless."""
    made = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(made)
    except asyncio.CancelledError:
        await asyncio.to_thread((await made).remove)
        raise


async def _ready(peer: Peer, container: Container, listens: Path, seconds: float) -> bool:
    ready = asyncio.ensure_future(serving(peer, seconds, listens))
    try:
        while not ready.done():
            await asyncio.wait({ready}, timeout=0.2)
            if not ready.done() and not await asyncio.to_thread(lambda: container.alive):
                return False
        return ready.result()
    finally:
        ready.cancel()


def _why_not_ready(container: Container, seconds: float) -> str:
    printed = container.output().strip()[-_OUTPUT_KEPT:] or "nothing"
    code = container.exit_code()
    if code is not None:
        return f"the container ended with exit code {code} before it served; it printed: {printed}"
    return f"the container was not SERVING within {seconds:g} s; it printed: {printed}"


def _said(error: Exception) -> str:
    explanation: object = getattr(error, "explanation", None)
    return str(explanation or error)
