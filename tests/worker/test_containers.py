"""When a worker loads Docker's SDK: not before there is an engine, or an image to start."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest
from towpath_worker.launch import Containers, RunDir, containers
from towpath_worker.launch.docker.policy import ContainerPolicy


async def test_an_engine_that_comes_later_is_cleaned_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may be started before its engine; what dead workers left there goes all the same."""
    socket = tmp_path / "docker.sock"
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(containers, "_SYSTEM_ENGINE", socket)
    monkeypatch.setattr(containers, "_LOOK_SECONDS", 0.01)
    with (
        closing(RunDir.open(tmp_path / "run")) as run_dir,
        closing(Containers(run_dir, tmp_path, ContainerPolicy(), {}, start_timeout=1)) as launcher,
    ):
        reaping = asyncio.create_task(launcher.reap())
        await asyncio.sleep(0.05)
        assert not launcher.loaded
        socket.touch()
        async with asyncio.timeout(10):
            while not launcher.loaded:  # noqa: ASYNC110 - nobody could tell us
                await asyncio.sleep(0.01)
        reaping.cancel()
