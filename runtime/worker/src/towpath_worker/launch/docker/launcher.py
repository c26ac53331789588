"""Connectors as containers on a Docker engine, each on a socket in a shared folder, or on a port with TLS.

A container gets what a connector needs, and nothing else: a read-only root, a bounded /tmp, the folder of its socket or
of its certificate, its token, a user that is not root, no capabilities, no way to new privileges, the engine's seccomp
profile, limits, and a network of its own. Nothing of the worker's environment passes, but for names that its operator
gave.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import LogConfig
from towpath_sdk.errors import Misconfigured, Owner, TowpathError, Unavailable

from towpath_worker.launch.docker.attached import Attached, attach
from towpath_worker.launch.docker.container import RunningContainer, Started
from towpath_worker.launch.docker.engine import Engine, said, status
from towpath_worker.launch.docker.images import image_id
from towpath_worker.launch.docker.labels import CONNECTOR, JOB, MACHINE, RUN_DIR, machine
from towpath_worker.launch.docker.networks import make_network
from towpath_worker.launch.docker.policy import ContainerPolicy
from towpath_worker.launch.docker.reach import Way, way_to
from towpath_worker.launch.port import Launch, Running
from towpath_worker.launch.readiness import serving
from towpath_worker.launch.run_dir import RunDir
from towpath_worker.launch.spans import receiving
from towpath_worker.launch.starting import finish, ready

__all__ = ["DockerLauncher"]

_NOBODY = 65532
"""User of the containers of a worker that is root; any other worker's run as its own, which alone may connect."""
_SERVER_ERROR = 500
_REMOVE_PAUSE = 2.0


class DockerLauncher:
    """Starts connectors as containers.

    `environ` is what connectors see, next to the TOWPATH_ variables of the protocol; `start_timeout` and `stop_grace`
    are in seconds, and a pull does not count.
    """

    def __init__(
        self,
        engine: Engine,
        run_dir: RunDir,
        policy: ContainerPolicy,
        environ: Mapping[str, str],
        *,
        start_timeout: float = 30.0,
        stop_grace: float = 2.0,
    ) -> None:
        self._engine = engine
        self._run_dir = run_dir
        self._policy = policy
        self._environ = environ
        self._start_timeout = start_timeout
        self._stop_grace = stop_grace
        self._user = os.geteuid() or _NOBODY
        self._removing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def launch(self, launch: Launch) -> AsyncGenerator[Running]:
        """Start a connector and remove it on leaving; see `Launcher.launch`.

        Beyond that, entering raises Misconfigured or Denied for an image that cannot be had or is for other machines,
        and Unavailable where the engine or a registry does not answer.
        """
        image = await self._engine.run(lambda client: image_id(client, launch.name, launch.image, self._policy.pull))
        folder = self._run_dir.connector()
        name = f"towpath-{secrets.token_hex(6)}"
        try:
            way = await self._engine.run(lambda client: way_to(client, self._policy.reach, folder, self._user))
            taken = launch.on_spans if way.shared_at else None
            async with receiving(folder, taken, self._user, way.shared_at) as variables:
                options = self._options(launch, way, variables)
                running = await finish(self._start(launch, image, name, folder.token, way, options))
                try:
                    found = running.endpoint
                    await ready(running, serving(found.address, found.socket, found.certificate), self._start_timeout)
                    yield running
                finally:
                    await finish(running.stop(self._stop_grace))
        finally:
            if not await finish(self._removed(name)):
                later = asyncio.create_task(self._remove_later(name))
                self._removing.add(later)
                later.add_done_callback(self._removing.discard)
            folder.remove()

    async def _removed(self, name: str) -> bool:
        try:
            await self._engine.run(lambda client: _remove(client, name))
        except (Unavailable, APIError):
            return False
        return True

    async def _remove_later(self, name: str) -> None:
        """Try again until the engine is back; when this worker ends before, another one's reaper finds the rest."""
        while not await self._removed(name):  # noqa: ASYNC110 - nobody tells when an engine is back
            await asyncio.sleep(_REMOVE_PAUSE)

    async def _start(
        self, launch: Launch, image: str, name: str, token: str, way: Way, options: dict[str, Any]
    ) -> RunningContainer:
        labels = {RUN_DIR: str(self._run_dir.path), MACHINE: machine(), JOB: launch.job, CONNECTOR: launch.name}

        def start(client: Any) -> Started:
            make_network(client, name, labels, self._policy.subnets)
            options["nano_cpus"] = min(options["nano_cpus"], int(client.info()["NCPU"]) * 10**9)
            container = client.containers.create(image, name=name, network=name, labels=labels, **options)
            way.fill(container)
            connection = attach(client, container.id)
            try:
                container.start()
                container.reload()
            except BaseException:
                connection.close()
                raise
            pid = int(container.attrs["State"]["Pid"])
            return Started(str(container.id), pid, way.endpoint(container.attrs), connection)

        try:
            started = await self._engine.run(start)
        except APIError as error:
            raise _not_started(launch, error) from error
        attached = await Attached.open(started.connection)
        return RunningContainer(self._engine, launch, token, started, attached)

    def _options(self, launch: Launch, way: Way, variables: Mapping[str, str]) -> dict[str, Any]:
        limits = self._policy.limits_for(launch.limits)
        reached = way.options()
        return {
            **reached,
            "environment": {
                **self._environ,
                **variables,
                **reached["environment"],
                "HOME": "/tmp",  # noqa: S108 - within the container
                "TMPDIR": "/tmp",  # noqa: S108 - likewise
                "TOWPATH_EXIT_WITH_PARENT": "1",
            },
            "tmpfs": {"/tmp": f"size={limits.temporary_bytes},mode=1777"},  # noqa: S108 - likewise
            "user": f"{self._user}:{self._user}",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "mem_limit": limits.memory_bytes,
            "memswap_limit": limits.memory_bytes,
            "nano_cpus": limits.cpu_millis * 10**6,
            "pids_limit": limits.max_processes,
            "extra_hosts": {"host.docker.internal": "host-gateway"},
            "log_config": LogConfig(type="none"),  # the worker reads every line; a second copy would fill the disk
            "stdin_open": True,
        }


def _remove(client: Any, name: str) -> None:
    with suppress(NotFound):
        client.api.remove_container(name, force=True, v=True)
    with suppress(NotFound):
        client.api.remove_network(name)


def _not_started(launch: Launch, error: APIError) -> TowpathError:
    message = f"{launch.name}: the Docker engine cannot start {launch.image}: {said(error)}"
    if status(error) < _SERVER_ERROR:
        return Misconfigured(message, reason="CONNECTOR_NOT_STARTED", owner=Owner.CONNECTOR)
    return Unavailable(message, reason="CONNECTOR_NOT_STARTED", owner=Owner.PLATFORM)
