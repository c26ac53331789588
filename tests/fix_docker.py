"""A Docker engine for tests, and images of connectors on it.

Sessions that run side by side (pytest-xdist) share one engine, because two would hand out the same addresses: the
first that asks starts it, and stops it when the last one has let go. An engine that runs already is used as it is.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from fix_requirements import missing
from towpath_local.embedded.docker import EmbeddedDocker, running_engine
from towpath_local.embedded.errors import EmbeddedServerError
from towpath_local.images.build import build_connectors

_ROOT = Path(__file__).parents[1]
_SHARED = Path(tempfile.gettempdir()) / f"towpath-test-docker-{os.getuid()}"


@dataclass(frozen=True)
class DockerEngine:
    """A Docker engine: `url` is its DOCKER_HOST, `client` one of the Docker SDK."""

    url: str
    client: Any = field(repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """What makes a program use it."""
        return {"DOCKER_HOST": self.url}

    def connector(self, name: str) -> str:
        """Build a connector of this repository, unless that was done before; return its image."""
        image = f"towpath-test-{name}:3"  # another number, when images of former sources would not do
        with _locked("build", fcntl.LOCK_EX):
            if not self.client.images.list(name=image):
                list(build_connectors(_ROOT / "connectors", {name: image}, self.url))
        return image


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """The machine's engine, or one for all sessions of this moment; DOCKER_HOST names it while the fixture lives."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environ:
        url = running_engine() or stack.enter_context(_shared_engine())
        client = cast("Any", docker).DockerClient(base_url=url, timeout=120)
        stack.callback(client.close)
        environ.setenv("DOCKER_HOST", url)
        yield DockerEngine(url, client)


@contextmanager
def _shared_engine() -> Generator[str]:
    _SHARED.mkdir(mode=0o700, exist_ok=True)
    engine = EmbeddedDocker(_SHARED / "engine")
    with _locked("start", fcntl.LOCK_EX):
        in_use = (_SHARED / "in-use").open("a")
        starter = _try(in_use, fcntl.LOCK_EX)
        if starter:
            try:
                engine.start()
            except EmbeddedServerError as error:
                missing("a Docker engine", str(error))
        fcntl.flock(in_use, fcntl.LOCK_SH)
    try:
        yield engine.url
    finally:
        while starter and not _stopped(engine, in_use):
            time.sleep(0.2)
        in_use.close()


def _stopped(engine: EmbeddedDocker, in_use: Any) -> bool:
    """Stop the engine, unless somebody uses it; nobody can begin to meanwhile."""
    with _locked("start", fcntl.LOCK_EX):
        if not _try(in_use, fcntl.LOCK_EX):
            return False
        engine.stop()
        engine.remove()
        return True


@contextmanager
def _locked(name: str, kind: int) -> Generator[None]:
    _SHARED.mkdir(mode=0o700, exist_ok=True)
    with (_SHARED / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def _try(file: Any, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
