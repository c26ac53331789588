"""Containers as targets: fenced in while they run, and gone afterwards."""

from __future__ import annotations

import asyncio
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from conformance_image import MOUNTS, image_of
from conformance_prompt import Prompt
from fix_docker import DockerEngine
from towpath_conformance.targets.image import ImageTarget
from towpath_conformance.targets.port import StartFailed

CHOSEN = ["--check", "read.opened-first", "--check", "read.batch-seq"]


@pytest.fixture(scope="module")
def engine(docker_engine: DockerEngine) -> Any:
    return docker_engine.client


@pytest.fixture(scope="module")
def image(engine: Any) -> str:
    return image_of(engine, Path(__file__).parents[1] / "conformance_program.py")


def ours(engine: Any, image: str) -> list[Any]:
    """Containers of this module's image: other sessions judge other images on the same engine."""
    return engine.containers.list(all=True, filters={"label": "io.towpath.conformance", "ancestor": image})


async def test_a_missing_engine_is_a_sentence_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most laptops have one that is not running."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(StartFailed, match=r"no Docker engine answers; start it .* or judge by --command"):
        async with ImageTarget("source:1").start(5):
            pass


async def test_a_container_is_fenced_in_and_removed(engine: Any, image: str) -> None:
    """The image is somebody's: it gets what a connector needs, and nothing is left of it."""
    async with ImageTarget(image, volumes=MOUNTS).start(60, environ={"LINES_PASSWORD": "x"}) as instance:
        assert (await instance.peer.spec()).ok.connector_id == "com.example.source-lines"
        (container,) = ours(engine, image)
        limits = container.attrs["HostConfig"]
        assert limits["ReadonlyRootfs"] is True
        assert limits["CapDrop"] == ["ALL"]
        assert limits["SecurityOpt"] == ["no-new-privileges"]
        assert limits["Memory"] == limits["MemorySwap"] == 2 * 1024**3
        assert limits["PidsLimit"] == 512
        mounts = {mount["Destination"] for mount in container.attrs["Mounts"] if mount["RW"]}
        assert {"/run/towpath", "/tmp"} <= mounts  # noqa: S108 within the container
    assert ours(engine, image) == []


async def test_a_container_is_looked_into_and_ended(engine: Any, image: str) -> None:
    """Checks of faults and limits need all of it, and soon: they count in milliseconds."""
    async with ImageTarget(image, volumes=MOUNTS).start(60) as instance:
        process = instance.process
        assert process is not None
        assert process.alive
        assert 1 << 20 < process.resident_bytes() < 1 << 30
        assert process.cpu_seconds() > 0
        assert process.threads() > 1
        assert process.descriptors() > 3
        assert process.folder is not None
        assert process.folder.is_dir()
        assert "listening" in process.output()
        process.terminate()
        assert await process.wait(30) == 0
        assert not process.alive
    async with ImageTarget(image, volumes=MOUNTS).start(60) as instance:
        assert instance.process is not None
        instance.process.kill()
        assert await instance.process.wait(30) == -9
    async with ImageTarget(image, volumes=MOUNTS).start(60) as instance:
        assert instance.process is not None
        assert instance.process.forget()
        assert await instance.process.wait(30) is not None, "it ends with the judge"
    assert ours(engine, image) == []


async def test_an_interrupted_start_leaves_no_container(engine: Any, image: str) -> None:
    """The engine goes on with what it was asked for, whoever has left meanwhile."""

    async def start() -> None:
        async with ImageTarget(image, volumes=MOUNTS).start(60):
            await asyncio.sleep(60)

    for seconds in (0.0, 0.05, 0.2, 1.0):
        starting = asyncio.ensure_future(start())
        await asyncio.sleep(seconds)
        began = time.monotonic()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert time.monotonic() - began < 30
        assert ours(engine, image) == []


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (ImageTarget("towpath-no-such-image:1"), "has no image towpath-no-such-image:1; build it with docker build"),
        (ImageTarget("IMAGE"), "ended with exit code 1 before it served; it printed: Traceback"),
        (ImageTarget("IMAGE", network="towpath-no-such-network"), "towpath-no-such-network not found"),
    ],
    ids=["no image", "ends", "no network"],
)
async def test_an_image_that_does_not_start_says_why(engine: Any, image: str, target: ImageTarget, says: str) -> None:
    """A container that is gone has taken its words with it, unless they were asked for before."""
    started = ImageTarget(image if target.image == "IMAGE" else target.image, target.network)
    with pytest.raises(StartFailed) as caught:
        async with started.start(60):
            pass
    assert says in str(caught.value)
    assert ours(engine, image) == []


def test_the_command_judges_an_image(image: str, tmp_path: Path) -> None:
    """And a failing check could be repeated with the same mounts."""
    prompt = Prompt(tmp_path)
    lines = tmp_path / "lines.txt"  # not its folder, which another user may not enter
    mounts = [*MOUNTS, f"{lines}:{lines}:ro"]
    options = ["--image", image, *(word for mount in mounts for word in ("--docker-volume", mount))]
    done = prompt(*options, *CHOSEN, "--output", "json", "--seed", "3")
    assert done.code == 0, done.err
    assert done.json["target"] == f"--image {image}"
    assert shlex.split(done.json["checks"][0]["repeat"])[2 : 2 + len(options)] == options
