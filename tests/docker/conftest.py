"""A launcher of containers, in this process, with a run folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fix_docker import DockerEngine
from towpath_worker.launch import RunDir
from towpath_worker.launch.docker.engine import Engine
from towpath_worker.launch.docker.launcher import DockerLauncher
from towpath_worker.launch.docker.policy import ContainerPolicy


@dataclass(frozen=True)
class Yard:
    """An engine, the folder of a worker that lives, and ways to launch on both."""

    engine: Engine
    client: Any
    run_dir: RunDir

    def launcher(self, policy: ContainerPolicy | None = None, start_timeout: float = 60.0) -> DockerLauncher:
        """Make a launcher."""
        return DockerLauncher(
            self.engine, self.run_dir, policy or ContainerPolicy(), {}, start_timeout=start_timeout, stop_grace=1.0
        )

    def mine(self) -> list[Any]:
        """Containers and networks that this run folder has made and that are still there."""
        marked = {"label": f"io.towpath.run-dir={self.run_dir.path}"}
        return [*self.client.containers.list(all=True, filters=marked), *self.client.networks.list(filters=marked)]


@pytest.fixture
async def yard(docker_engine: DockerEngine) -> AsyncIterator[Yard]:
    """A worker's folder and an engine; nothing may be left when the test ends."""
    base = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
    engine, run_dir = Engine(), RunDir.open(base)
    yield (made := Yard(engine, docker_engine.client, run_dir))
    left = made.mine()
    engine.close()
    run_dir.close()
    shutil.rmtree(base, ignore_errors=True)
    assert left == []


@pytest.fixture(scope="session")
def faker_image(docker_engine: DockerEngine) -> str:
    """The image of source-faker."""
    return docker_engine.connector("source-faker")


@pytest.fixture
def printed() -> tuple[list[str], Callable[[str], None]]:
    """A list, and what appends to it."""
    lines: list[str] = []
    return lines, lines.append
